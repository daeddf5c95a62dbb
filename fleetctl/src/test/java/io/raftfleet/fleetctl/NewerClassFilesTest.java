package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.classfile.ClassFile;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class NewerClassFilesTest {
    @TempDir
    Path directory;

    @Test
    void aLibraryOfOldIsReadAsANewOneAndStaysTheSameFromThenOn() throws Exception {
        Path theirs = Path.of(CommandLine.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Path jar = Files.copy(theirs, directory.resolve("picocli.jar"));
        NewerClassFiles.renew(jar);

        int classes = 0;
        try (var renewed = new ZipFile(jar.toFile());
                var before = new ZipFile(theirs.toFile())) {
            assertThat(renewed.size()).isEqualTo(before.size());
            for (var entry : renewed.stream().toList()) {
                if (entry.getName().endsWith(".class")) {
                    var model =
                            ClassFile.of().parse(renewed.getInputStream(entry).readAllBytes());
                    assertThat(model.majorVersion()).as(entry.getName()).isGreaterThanOrEqualTo(52);
                    classes++;
                }
            }
        }
        assertThat(classes).isGreaterThan(100);
        try (var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            // Verified, as it is initialized.
            assertThat(Class.forName("picocli.CommandLine", true, loader).getClassLoader())
                    .isSameAs(loader);
        }
        byte[] bytes = Files.readAllBytes(jar);
        var time = Files.getLastModifiedTime(jar);
        NewerClassFiles.renew(jar);
        assertThat(Files.readAllBytes(jar)).isEqualTo(bytes);
        assertThat(Files.getLastModifiedTime(jar)).isEqualTo(time);
    }
}
