package io.raftfleet.identity;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/**
 * What a certificate says of whoever has it.
 *
 * @param id its one SPIFFE id
 * @param role a user's, from the {@code OU} of the certificate's subject; empty for engines and agents, and when there is none
 * @param began from when on it is valid
 * @param expires when it ends
 */
public record Identity(SpiffeId id, Optional<Role> role, Instant began, Instant expires) {
    /** The kind of {@code GeneralName} that holds a URI (RFC 5280, 4.2.1.6). */
    private static final int URI = 6;

    /**
     * Reads it. Whether the certificate is to be trusted is another question.
     *
     * @throws CertificateException when it names nobody, or more than one, or says that a user has several roles
     */
    public static Identity of(X509Certificate certificate) throws CertificateException {
        Collection<List<?>> names = certificate.getSubjectAlternativeNames();
        List<String> uris = names == null
                ? List.of()
                : names.stream()
                        .filter(name -> name.get(0).equals(URI))
                        .map(name -> String.valueOf(name.get(1)))
                        .toList();
        if (uris.size() != 1) {
            throw new CertificateException("the certificate " + subject(certificate) + " has " + uris.size()
                    + " URIs among its subject's alternative names: it must have one, its SPIFFE id");
        }
        SpiffeId id;
        try {
            id = SpiffeId.parse(uris.getFirst());
        } catch (IllegalArgumentException e) {
            throw new CertificateException("the certificate names nobody: " + e.getMessage(), e);
        }
        return new Identity(
                id,
                id.kind() == SpiffeId.Kind.USER ? role(certificate) : Optional.empty(),
                certificate.getNotBefore().toInstant(),
                certificate.getNotAfter().toInstant());
    }

    private static Optional<Role> role(X509Certificate certificate) throws CertificateException {
        List<Role> roles;
        try {
            roles = new LdapName(certificate.getSubjectX500Principal().getName())
                    .getRdns().stream()
                            .filter(part -> part.getType().equalsIgnoreCase("OU"))
                            .map(Rdn::getValue)
                            .flatMap(value -> Role.of(String.valueOf(value)).stream())
                            .distinct()
                            .toList();
        } catch (InvalidNameException e) {
            throw new CertificateException("the certificate's subject can't be read: " + e.getMessage(), e);
        }
        if (roles.size() > 1) {
            throw new CertificateException(
                    "the certificate " + subject(certificate) + " has several roles: it must have one OU of them");
        }
        return roles.stream().findFirst();
    }

    /** For people; cut, since its length is the issuer's choice. */
    static String subject(X509Certificate certificate) {
        String name = certificate.getSubjectX500Principal().getName();
        return "\"" + name.substring(0, Math.min(200, name.length())) + "\"";
    }

    @Override
    public String toString() {
        return id.toString();
    }
}
