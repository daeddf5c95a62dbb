package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CacheableClassesTest {
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
        CacheableClasses.renew(jar, "none/");

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
        CacheableClasses.renew(jar, "none/");
        assertThat(Files.readAllBytes(jar)).isEqualTo(bytes);
        assertThat(Files.getLastModifiedTime(jar)).isEqualTo(time);
    }

    @Test
    void aClassThatNeedsALibraryWhichIsNotThereSaysSoWhenItIsUsedAndIsAsItWasOtherwise() throws Exception {
        Path jar = directory.resolve("made.jar");
        ClassDesc missing = ClassDesc.of("gone.Missing");
        ClassDesc parent = ClassDesc.of("made.Parent");
        try (var out = new ZipOutputStream(Files.newOutputStream(jar))) {
            add(
                    out,
                    "made/Parent.class",
                    built -> built.withFlags(ClassFile.ACC_PUBLIC)
                            .withMethodBody(
                                    "name",
                                    MethodTypeDesc.of(ConstantDescs.CD_String),
                                    ClassFile.ACC_PUBLIC | ClassFile.ACC_STATIC,
                                    code -> code.loadConstant("parent").areturn()));
            add(
                    out,
                    "made/Needs.class",
                    built -> built.withFlags(ClassFile.ACC_PUBLIC)
                            .withSuperclass(parent)
                            // Whether one class is the other is for Java to look at before it takes this one.
                            .withMethodBody(
                                    "get",
                                    MethodTypeDesc.of(parent),
                                    ClassFile.ACC_PUBLIC | ClassFile.ACC_STATIC,
                                    code -> code.invokestatic(missing, "make", MethodTypeDesc.of(missing))
                                            .areturn()));
        }
        CacheableClasses.renew(jar, "made/");
        try (var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            assertThat(Class.forName("made.Parent", true, loader)
                            .getMethod("name")
                            .invoke(null))
                    .isEqualTo("parent");
            assertThat(Class.forName("made.Needs", false, loader)
                            .getSuperclass()
                            .getName())
                    .isEqualTo("made.Parent");
            assertThatThrownBy(() -> Class.forName("made.Needs", true, loader))
                    .isInstanceOf(NoClassDefFoundError.class)
                    .hasMessage("made/Needs needs a library that is not in this jar");
        }
        byte[] bytes = Files.readAllBytes(jar);
        CacheableClasses.renew(jar, "made/");
        assertThat(Files.readAllBytes(jar)).isEqualTo(bytes);
    }

    private static void add(ZipOutputStream out, String name, Consumer<ClassBuilder> built) throws IOException {
        out.putNextEntry(new ZipEntry(name));
        out.write(ClassFile.of(ClassFile.StackMapsOption.GENERATE_STACK_MAPS)
                .build(ClassDesc.ofInternalName(name.substring(0, name.indexOf('.'))), built));
        out.closeEntry();
    }
}
