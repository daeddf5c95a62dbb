package io.raftfleet.fleetctl;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * A step of the build, which makes class files of libraries such as an ahead-of-time cache can hold; a class that it does not hold has
 * the jar opened, and all of its names read, before a command does anything.
 *
 * <ul>
 *   <li>Those of Java 5 get the form of Java 8, code as it is, with the stack maps that this form has: picocli's are a third of what a
 *       command does before it can ask an engine.
 *   <li>Those that Java would refuse, since they need a library that is not in the jar, get a static initializer that says so in
 *       place of their code: nobody can use them, but Java looks at them when it looks at Netty's TLS.
 * </ul>
 *
 * <p>Nothing else calls it.
 */
final class CacheableClasses {
    /** Since then class files have stack maps without exception. */
    private static final int NEW = ClassFile.JAVA_8_VERSION;

    private CacheableClasses() {}

    /**
     * Arguments: a jar, which is replaced if there is something to do, and the folder in it where classes are that Java may refuse,
     * since looking at all would take a minute.
     */
    public static void main(String[] arguments) throws IOException {
        renew(Path.of(arguments[0]), arguments[1]);
    }

    static void renew(Path jar, String folder) throws IOException {
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
                    if (entry.getName().startsWith(folder) && needsWhatIsNotThere(format, model)) {
                        bytes = withoutCode(format, model);
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

    /** @throws IOException when it is refused for another reason, which is none that this may hide */
    private static boolean needsWhatIsNotThere(ClassFile format, ClassModel model) throws IOException {
        List<VerifyError> faults = format.verify(model);
        for (VerifyError fault : faults) {
            String why = String.valueOf(fault.getMessage());
            if (!why.contains("Could not resolve class") && !why.contains("NoClassDefFoundError")) {
                throw new IOException(model.thisClass().asInternalName() + " can't be verified", fault);
            }
        }
        return !faults.isEmpty();
    }

    private static byte[] withoutCode(ClassFile format, ClassModel model) {
        var error = ClassDesc.of(NoClassDefFoundError.class.getName());
        String message = model.thisClass().asInternalName() + " needs a library that is not in this jar";
        return format.transformClass(
                model,
                ClassTransform.dropping(element -> element instanceof MethodModel || element instanceof FieldModel)
                        .andThen(ClassTransform.endHandler(built -> built.withMethodBody(
                                ConstantDescs.CLASS_INIT_NAME,
                                ConstantDescs.MTD_void,
                                ClassFile.ACC_STATIC,
                                code -> code.new_(error)
                                        .dup()
                                        .loadConstant(message)
                                        .invokespecial(
                                                error,
                                                ConstantDescs.INIT_NAME,
                                                MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_String))
                                        .athrow()))));
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
