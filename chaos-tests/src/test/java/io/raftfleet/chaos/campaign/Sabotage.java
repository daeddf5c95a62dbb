package io.raftfleet.chaos.campaign;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.LeaderStarted;
import io.raftfleet.proto.log.Record;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.MethodModel;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.reflect.AccessFlag;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.ProtectionDomain;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;

/**
 * Breaks an engine or an agent on purpose, from within: a Java agent that wraps one of its methods. Nothing in either knows of it. What
 * runs is the real one but for that method.
 */
public final class Sabotage {
    /** Added to the name of what a wrapped method did before. */
    private static final String SOUND = "$sound";

    private static final long LONG = Duration.ofHours(1).toNanos();

    /** What can be broken. */
    public enum Mode {
        /** Reads are answered without asking a quorum. */
        STALE_READS("io.raftfleet.state.raft.RaftNode", "readIndex"),
        /** Some units are acknowledged and not created. */
        LOST_WRITES("io.raftfleet.state.Registry", "apply"),
        /** A watch leaves out one change in ten. */
        WATCH_GAPS("io.raftfleet.engine.server.Watches$Watch", "message"),
        /** A list page leaves out its second row. */
        LIST_GAPS("io.raftfleet.engine.server.Reads", "listUnits"),
        /** What one entry in twenty says does not happen. */
        DIVERGENCE("io.raftfleet.state.Registry", "apply"),
        /** Every four seconds each machine counts as silent, heard or not. */
        HASTY_LOSSES("io.raftfleet.engine.session.MachineSessions", "silent"),
        /** The log is written, and not synced. */
        UNSYNCED_LOG("org.apache.ratis.server.raftlog.segmented.BufferedWriteChannel", "flush"),
        /** States of the units that clients start and stop are acknowledged and thrown away. */
        UNHEARD_REPORTS("io.raftfleet.engine.session.Sessions", "report"),
        /** The log loses its last entries at each start. */
        FORGETFUL_LOG("io.raftfleet.state.raft.LogCheck", "sync"),
        /** A damaged log is not looked at. */
        UNCHECKED_LOG("io.raftfleet.state.raft.LogCheck", "check"),
        /** Units that are to run are mirrored as such that are not. */
        WRONG_MIRROR("io.raftfleet.etcd.MirrorWriter", "write"),
        /** An agent believes an hour longer than it may that its machine is not given up. */
        LONG_LEASES("io.raftfleet.agent.systemd.MachineLease", "renew");

        private final String className;
        private final String method;

        Mode(String className, String method) {
            this.className = className;
            this.method = method;
        }
    }

    private static final AtomicInteger CALLS = new AtomicInteger();

    private Sabotage() {}

    /** Called by the Java machine before the engine's own main method. */
    public static void premain(String mode, Instrumentation instrumentation) {
        var chosen = Mode.valueOf(mode);
        var internal = chosen.className.replace('.', '/');
        instrumentation.addTransformer(new ClassFileTransformer() {
            @Override
            public byte @Nullable [] transform(
                    @Nullable ClassLoader loader,
                    String className,
                    @Nullable Class<?> redefined,
                    @Nullable ProtectionDomain domain,
                    byte[] bytes) {
                return internal.equals(className) ? wrapped(bytes, chosen) : null;
            }
        });
        System.err.println("sabotage: " + mode);
    }

    /** The agent as a jar file of its own. */
    public static Path jar(Path dir) throws IOException, URISyntaxException {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", Sabotage.class.getName());
        var file = dir.resolve("sabotage.jar");
        var here = Path.of(present(Sabotage.class.getResource("Sabotage.class")).toURI())
                .resolveSibling(".");
        try (var jar = new JarOutputStream(Files.newOutputStream(file), manifest);
                var classes = Files.newDirectoryStream(here, "Sabotage{,$*}.class")) {
            for (var path : classes) {
                jar.putNextEntry(
                        new JarEntry(Sabotage.class.getPackageName().replace('.', '/') + "/" + path.getFileName()));
                Files.copy(path, jar);
                jar.closeEntry();
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return file;
    }

    /** What a wrapped method does. Called from within the engine. */
    public static @Nullable Object around(String mode, Object self, Object[] arguments) throws Throwable {
        int call = CALLS.incrementAndGet();
        return switch (Mode.valueOf(mode)) {
            case STALE_READS -> CompletableFuture.completedFuture(0L);
            case LOST_WRITES -> sound(mode, self, arguments[0], arguments[1], withoutLedger((Entry) arguments[2]));
            case WATCH_GAPS -> call % 10 == 0 ? null : sound(mode, self, arguments);
            case LIST_GAPS ->
                ((CompletableFuture<?>) present(sound(mode, self, arguments)))
                        .thenApply(page -> withoutARow((ListUnitsResponse) page));
            case DIVERGENCE ->
                sound(mode, self, arguments[0], arguments[1], sometimesEmpty((long) arguments[1], (Entry)
                        arguments[2]));
            case HASTY_LOSSES ->
                sound(mode, self, (long) arguments[0] + (call % 16 == 0 ? LONG : 0), arguments[1], arguments[2]);
            case UNSYNCED_LOG -> invoke(self.getClass(), "flushBuffer", self);
            case UNHEARD_REPORTS -> sound(mode, self, arguments[0], withoutTraffic((StateReport) arguments[1]));
            case FORGETFUL_LOG -> {
                withoutEnd((Path) arguments[0]);
                yield null;
            }
            case UNCHECKED_LOG -> null;
            case WRONG_MIRROR -> withoutTargets(present(sound(mode, self, arguments)));
            case LONG_LEASES -> sound(mode, self, (long) arguments[0] + LONG);
        };
    }

    /** Cuts the open file of a log in the middle of what was written; what begins there is an entry cut off. */
    private static void withoutEnd(Path log) throws IOException {
        try (var files = Files.newDirectoryStream(log, "log_inprogress_*")) {
            for (var path : files) {
                var bytes = Files.readAllBytes(path);
                int end = bytes.length;
                while (end > 0 && bytes[end - 1] == 0) {
                    end--;
                }
                Files.write(path, Arrays.copyOf(bytes, end / 2));
            }
        }
    }

    private static Entry withoutLedger(Entry entry) {
        var changed = entry.toBuilder().clearRecords();
        for (var record : entry.getRecordsList()) {
            boolean ledger = record.getUnitCreated().getName().matches("w\\d*7\\.service");
            changed.addRecords(
                    ledger
                            ? Record.newBuilder()
                                    .setLeaderStarted(LeaderStarted.getDefaultInstance())
                                    .build()
                            : record);
        }
        return changed.build();
    }

    private static Entry sometimesEmpty(long index, Entry entry) {
        if (index % 20 != 0) {
            return entry;
        }
        var changed = entry.toBuilder().clearRecords();
        for (int i = 0; i < entry.getRecordsCount(); i++) {
            changed.addRecords(Record.newBuilder().setLeaderStarted(LeaderStarted.getDefaultInstance()));
        }
        return changed.build();
    }

    private static StateReport withoutTraffic(StateReport report) {
        var changed = report.toBuilder().clearStates();
        report.getStatesList().stream()
                .filter(state -> !state.getName().matches("[fr]\\d+\\.service"))
                .forEach(changed::addStates);
        return changed.build();
    }

    private static ListUnitsResponse withoutARow(ListUnitsResponse page) {
        return page.getUnitsCount() < 3 ? page : page.toBuilder().removeUnits(1).build();
    }

    /** {@code write} is of a class that only its package knows: a key and a value. */
    private static Object withoutTargets(Object write) throws Throwable {
        if (!(invoke(write.getClass(), "value", write) instanceof ByteString value)) {
            return write;
        }
        var constructor = write.getClass().getDeclaredConstructors()[0];
        constructor.setAccessible(true);
        return constructor.newInstance(
                invoke(write.getClass(), "key", write),
                ByteString.copyFromUtf8(value.toStringUtf8().replace("\"launched\"", "\"inactive\"")));
    }

    private static @Nullable Object sound(String mode, Object self, Object... arguments) throws Throwable {
        var owner = self instanceof Class<?> type ? type : self.getClass();
        return invoke(owner, Mode.valueOf(mode).method + SOUND, self, arguments);
    }

    private static @Nullable Object invoke(Class<?> owner, String name, Object self, Object... arguments)
            throws Throwable {
        for (Method method : owner.getDeclaredMethods()) {
            if (method.getName().equals(name) && method.getParameterCount() == arguments.length) {
                method.setAccessible(true);
                try {
                    return method.invoke(self, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getTargetException();
                }
            }
        }
        throw new NoSuchMethodException(owner + " " + name);
    }

    private static <T> T present(@Nullable T value) {
        if (value == null) {
            throw new IllegalStateException("there is none");
        }
        return value;
    }

    // --- the wrapping ------------------------------------------------------------------------------------------------

    private static final Map<String, ClassDesc> BOXES =
            Map.of("J", ConstantDescs.CD_Long, "I", ConstantDescs.CD_Integer, "Z", ConstantDescs.CD_Boolean);

    private static byte[] wrapped(byte[] bytes, Mode mode) {
        var file = ClassFile.of();
        var owner = file.parse(bytes);
        return file.transformClass(owner, (builder, element) -> {
            if (element instanceof MethodModel method && method.methodName().equalsString(mode.method)) {
                builder.withMethod(
                        mode.method + SOUND,
                        method.methodTypeSymbol(),
                        method.flags().flagsMask(),
                        sound -> method.forEach(sound::with));
                builder.withMethodBody(
                        mode.method,
                        method.methodTypeSymbol(),
                        method.flags().flagsMask(),
                        code -> body(
                                code,
                                mode,
                                owner.thisClass().asSymbol(),
                                method.methodTypeSymbol(),
                                method.flags().has(AccessFlag.STATIC)));
            } else {
                builder.with(element);
            }
        });
    }

    private static void body(CodeBuilder code, Mode mode, ClassDesc owner, MethodTypeDesc type, boolean ofClass) {
        code.loadConstant(mode.name());
        if (ofClass) {
            code.loadConstant(owner);
        } else {
            code.aload(0);
        }
        code.loadConstant(type.parameterCount()).anewarray(ConstantDescs.CD_Object);
        int slot = ofClass ? 0 : 1;
        for (int i = 0; i < type.parameterCount(); i++) {
            var parameter = type.parameterType(i);
            var kind = TypeKind.from(parameter);
            code.dup().loadConstant(i).loadLocal(kind, slot);
            slot += kind.slotSize();
            if (parameter.isPrimitive()) {
                var box = BOXES.get(parameter.descriptorString());
                if (box == null) {
                    throw new IllegalArgumentException("a parameter of type " + parameter);
                }
                code.invokestatic(box, "valueOf", MethodTypeDesc.of(box, parameter));
            }
            code.aastore();
        }
        code.invokestatic(
                ClassDesc.of(Sabotage.class.getName()),
                "around",
                MethodTypeDesc.of(
                        ConstantDescs.CD_Object,
                        ConstantDescs.CD_String,
                        ConstantDescs.CD_Object,
                        ConstantDescs.CD_Object.arrayType()));
        if (type.returnType().equals(ConstantDescs.CD_void)) {
            code.pop().return_();
        } else if (type.returnType().equals(ConstantDescs.CD_int)) {
            code.checkcast(ConstantDescs.CD_Integer)
                    .invokevirtual(ConstantDescs.CD_Integer, "intValue", MethodTypeDesc.of(ConstantDescs.CD_int))
                    .ireturn();
        } else {
            code.checkcast(type.returnType()).areturn();
        }
    }
}
