package io.raftfleet.fleetctl;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * A step of the build: gives a library's class files of Java 5 the form of Java 8, code as it is, with the stack maps that this form has.
 * An ahead-of-time cache holds no others, and picocli's are a third of what a command does before it can ask an engine. Nothing else
 * calls it.
 */
final class NewerClassFiles {
    /** Since then class files have stack maps without exception. */
    private static final int NEW = ClassFile.JAVA_8_VERSION;

    private NewerClassFiles() {}

    /** Argument: a jar, which is replaced if it has old class files. */
    public static void main(String[] arguments) throws IOException {
        for (String jar : arguments) {
            renew(Path.of(jar));
        }
    }

    static void renew(Path jar) throws IOException {
        var files = new LinkedHashMap<ZipEntry, byte[]>();
        boolean changed = false;
        URL[] path = {toUrl(jar.toUri())};
        try (var in = new ZipFile(jar.toFile());
                var loader = new URLClassLoader(path)) {
            ClassFile format = ClassFile.of(
                    ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                    ClassFile.ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofClassLoading(loader)));
            for (ZipEntry entry : in.stream().toList()) {
                byte[] bytes = in.getInputStream(entry).readAllBytes();
                if (entry.getName().endsWith(".class")) {
                    ClassModel model = format.parse(bytes);
                    if (model.majorVersion() < NEW) {
                        bytes = format.transformClass(
                                model,
                                ClassTransform.transformingMethodBodies((code, element) -> code.with(element))
                                        .andThen(ClassTransform.endHandler(built -> built.withVersion(NEW, 0))));
                        changed = true;
                    }
                }
                files.put(entry, bytes);
            }
        }
        if (changed) {
            write(jar, files);
        }
    }

    private static URL toUrl(URI uri) throws IOException {
        return uri.toURL();
    }

    private static void write(Path jar, Map<ZipEntry, byte[]> files) throws IOException {
        Path part = jar.resolveSibling(jar.getFileName() + ".part");
        try (var out = new ZipOutputStream(Files.newOutputStream(part))) {
            for (var file : files.entrySet()) {
                var entry = new ZipEntry(file.getKey().getName());
                entry.setTimeLocal(file.getKey().getTimeLocal());
                out.putNextEntry(entry);
                out.write(file.getValue());
                out.closeEntry();
            }
        }
        Files.move(part, jar, StandardCopyOption.ATOMIC_MOVE);
    }
}
