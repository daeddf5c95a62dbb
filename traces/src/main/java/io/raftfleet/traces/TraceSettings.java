package io.raftfleet.traces;

import java.net.URI;
import java.net.URISyntaxException;

/**
 * Where traces go, and how many.
 *
 * @param endpoint takes OTLP over HTTP, as protobuf
 * @param ratio which part of the writes is traced that come without a trace of their own: 0 to 1
 */
public record TraceSettings(URI endpoint, double ratio) {
    private static final String PATH = "/v1/traces";

    /**
     * Reads what people write.
     *
     * @param endpoint a collector, such as {@code http://127.0.0.1:4318}: {@code /v1/traces} is added unless it is there
     * @param ratio 0 to 1
     * @throws IllegalArgumentException saying which of them is wrong, and how it would be right
     */
    public static TraceSettings of(String endpoint, String ratio) {
        URI uri;
        try {
            uri = new URI(endpoint.strip());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("\"" + endpoint + "\" is no URL, such as http://127.0.0.1:4318", e);
        }
        boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
        if (!web || uri.getHost() == null) {
            throw new IllegalArgumentException("\"" + endpoint
                    + "\" is no http:// or https:// URL with a host, such as http://127.0.0.1:4318, where a collector takes"
                    + " OTLP over HTTP");
        }
        if (uri.getRawUserInfo() != null || uri.getRawQuery() != null || uri.getRawFragment() != null) {
            throw new IllegalArgumentException(
                    "the URL has more than a scheme, a host, a port and a path: have a collector"
                            + " on this host pass traces on to what asks for a password");
        }
        return new TraceSettings(withPath(uri), ratio(ratio));
    }

    private static URI withPath(URI uri) {
        var path = uri.getRawPath() == null ? "" : uri.getRawPath();
        if (path.endsWith(PATH)) {
            return uri;
        }
        return URI.create(uri.getScheme() + "://" + uri.getRawAuthority()
                + (path.endsWith("/") ? path.substring(0, path.length() - 1) : path) + PATH);
    }

    private static double ratio(String text) {
        try {
            double ratio = Double.parseDouble(text.strip());
            if (ratio >= 0 && ratio <= 1) {
                return ratio;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("the ratio \"" + text + "\" is no number from 0 to 1, such as 0.01", e);
        }
        throw new IllegalArgumentException("the ratio " + text + " is not from 0 to 1, such as 0.01");
    }
}
