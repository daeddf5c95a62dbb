/*
 * A file system that forgets, as a disk does whose power fails: what was written and not synced is gone after "drop". It is also slow
 * ("slow MS": each write and sync takes so much longer) or full ("full 1") on demand. Commands are written to the file .chaosfs in its
 * root.
 *
 * What survives: the contents of each file as they were at its last fsync; and names as they were at the last fsync of anything, for a
 * journal (ext4, XFS) keeps the order of all changes of names and has written all earlier ones when it has written one. A file that
 * was named and never synced comes back empty.
 *
 * usage: chaosfs BACKING DURABLE MOUNTPOINT. BACKING holds files as processes see them, DURABLE what would survive.
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CONTROL "/.chaosfs"
#define BUCKETS 4096

struct node;

struct entry {
    char *name;
    struct node *child;
};

/* A file or directory, whatever its names. Nodes are never freed: a campaign has some thousands. */
struct node {
    uint64_t id;
    ino_t ino;
    int is_dir;
    off_t dirty_from, dirty_to;
    struct entry *entries;
    size_t count;
    /* Where it was put while the tree is built anew. */
    char *placed;
    struct node *next;
};

static const char *backing, *durable;
static struct node *buckets[BUCKETS];
static struct node *root;
static uint64_t last_id;
static int slow_ms, full, names_changed;

static void real(char *out, const char *path) { snprintf(out, PATH_MAX, "%s%s", backing, path); }

static void saved(char *out, const struct node *node) {
    snprintf(out, PATH_MAX, "%s/%llu", durable, (unsigned long long) node->id);
}

static struct node *lookup(ino_t ino) {
    for (struct node *n = buckets[ino % BUCKETS]; n != NULL; n = n->next)
        if (n->ino == ino) return n;
    return NULL;
}

static void attach(struct node *node, ino_t ino) {
    node->ino = ino;
    node->next = buckets[ino % BUCKETS];
    buckets[ino % BUCKETS] = node;
}

static void detach(ino_t ino) {
    for (struct node **at = &buckets[ino % BUCKETS]; *at != NULL; at = &(*at)->next) {
        if ((*at)->ino == ino) {
            *at = (*at)->next;
            return;
        }
    }
}

static struct node *fresh(ino_t ino, int is_dir) {
    struct node *node = calloc(1, sizeof *node);
    if (node == NULL) abort();
    node->id = ++last_id;
    node->is_dir = is_dir;
    node->dirty_from = INT64_MAX;
    attach(node, ino);
    return node;
}

static struct node *of_stat(const struct stat *st) {
    struct node *node = lookup(st->st_ino);
    return node != NULL ? node : fresh(st->st_ino, S_ISDIR(st->st_mode));
}

static void set_entry(struct node *dir, const char *name, struct node *child) {
    for (size_t i = 0; i < dir->count; i++) {
        if (strcmp(dir->entries[i].name, name) == 0) {
            dir->entries[i].child = child;
            return;
        }
    }
    dir->entries = realloc(dir->entries, (dir->count + 1) * sizeof *dir->entries);
    if (dir->entries == NULL) abort();
    dir->entries[dir->count].name = strdup(name);
    dir->entries[dir->count].child = child;
    dir->count++;
}

static void clear_entries(struct node *dir) {
    for (size_t i = 0; i < dir->count; i++) free(dir->entries[i].name);
    dir->count = 0;
}

/* Makes all names below a directory durable. */
static void keep_names(struct node *node, const char *file) {
    DIR *dir = opendir(file);
    if (dir == NULL) return;
    clear_entries(node);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct stat st;
        char below[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) continue;
        struct node *child = of_stat(&st);
        set_entry(node, entry->d_name, child);
        snprintf(below, sizeof below, "%s/%s", file, entry->d_name);
        if (child->is_dir) keep_names(child, below);
    }
    closedir(dir);
}

static void commit_names(void) {
    if (!names_changed) return;
    names_changed = 0;
    keep_names(root, backing);
}

static void dirty(struct node *node, off_t from, off_t to) {
    if (from < node->dirty_from) node->dirty_from = from;
    if (to > node->dirty_to) node->dirty_to = to;
}

static int copy(int from, int to, off_t at, off_t end) {
    static char buffer[1 << 16];
    while (at < end) {
        size_t want = (size_t) (end - at) < sizeof buffer ? (size_t) (end - at) : sizeof buffer;
        ssize_t got = pread(from, buffer, want, at);
        if (got < 0) return -errno;
        if (got == 0) break;
        if (pwrite(to, buffer, (size_t) got, at) != got) return -EIO;
        at += got;
    }
    return 0;
}

static void wait_if_slow(void) {
    if (slow_ms > 0) usleep((useconds_t) slow_ms * 1000u);
}

static int keep_contents(int fd, struct node *node) {
    char file[PATH_MAX];
    struct stat st;
    if (fstat(fd, &st) < 0) return -errno;
    saved(file, node);
    int out = open(file, O_WRONLY | O_CREAT, 0600);
    if (out < 0) return -errno;
    off_t end = node->dirty_to < st.st_size ? node->dirty_to : st.st_size;
    int result = copy(fd, out, node->dirty_from, end);
    if (ftruncate(out, st.st_size) < 0 && result == 0) result = -errno;
    close(out);
    if (result == 0) {
        node->dirty_from = INT64_MAX;
        node->dirty_to = 0;
    }
    return result;
}

/* --- power failure ---------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void) st;
    (void) type;
    return at->level == 0 ? 0 : remove(path);
}

static void place(struct node *dir, const char *path) {
    for (size_t i = 0; i < dir->count; i++) {
        char file[PATH_MAX], from[PATH_MAX];
        struct node *child = dir->entries[i].child;
        struct stat st;
        snprintf(file, sizeof file, "%s/%s", path, dir->entries[i].name);
        if (child->placed != NULL) {
            if (!child->is_dir) (void) !link(child->placed, file);
            continue;
        }
        child->placed = strdup(file);
        if (child->is_dir) {
            mkdir(file, 0700);
            if (lstat(file, &st) == 0) attach(child, st.st_ino);
            place(child, file);
            continue;
        }
        int out = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        saved(from, child);
        int in = open(from, O_RDONLY);
        if (in >= 0 && fstat(in, &st) == 0) {
            copy(in, out, 0, st.st_size);
            (void) !ftruncate(out, st.st_size);
        }
        if (in >= 0) close(in);
        if (fstat(out, &st) == 0) attach(child, st.st_ino);
        close(out);
        child->dirty_from = INT64_MAX;
        child->dirty_to = 0;
    }
}

static void unplace(struct node *dir) {
    for (size_t i = 0; i < dir->count; i++) {
        struct node *child = dir->entries[i].child;
        if (child->placed == NULL) continue;
        free(child->placed);
        child->placed = NULL;
        if (child->is_dir) unplace(child);
    }
}

static void drop(void) {
    struct stat st;
    nftw(backing, remove_one, 64, FTW_DEPTH | FTW_PHYS);
    memset(buckets, 0, sizeof buckets);
    if (lstat(backing, &st) == 0) attach(root, st.st_ino);
    place(root, backing);
    unplace(root);
}

static int command(const char *text, size_t length) {
    char line[64] = "";
    int number = 0;
    memcpy(line, text, length < sizeof line - 1 ? length : sizeof line - 1);
    if (strncmp(line, "drop", 4) == 0) drop();
    else if (sscanf(line, "slow %d", &number) == 1) slow_ms = number;
    else if (sscanf(line, "full %d", &number) == 1) full = number;
    else return -EINVAL;
    return (int) length;
}

/* --- operations ------------------------------------------------------------------------------------------------- */

static int is_control(const char *path) { return path != NULL && strcmp(path, CONTROL) == 0; }

static int do_getattr(const char *path, struct stat *st, struct fuse_file_info *info) {
    char file[PATH_MAX];
    if (is_control(path)) {
        memset(st, 0, sizeof *st);
        st->st_mode = S_IFREG | 0600;
        st->st_nlink = 1;
        return 0;
    }
    if (info != NULL) return fstat((int) info->fh, st) < 0 ? -errno : 0;
    real(file, path);
    return lstat(file, st) < 0 ? -errno : 0;
}

static int do_readdir(const char *path, void *out, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                      enum fuse_readdir_flags flags) {
    char file[PATH_MAX];
    (void) offset;
    (void) info;
    (void) flags;
    real(file, path);
    DIR *dir = opendir(file);
    if (dir == NULL) return -errno;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        fill(out, entry->d_name, NULL, 0, 0);
    closedir(dir);
    return 0;
}

static int do_mkdir(const char *path, mode_t mode) {
    names_changed = 1;
    char file[PATH_MAX];
    struct stat st;
    if (full) return -ENOSPC;
    real(file, path);
    if (mkdir(file, mode) < 0) return -errno;
    if (lstat(file, &st) == 0) {
        detach(st.st_ino);
        fresh(st.st_ino, 1);
    }
    return 0;
}

static int do_create(const char *path, mode_t mode, struct fuse_file_info *info) {
    char file[PATH_MAX];
    struct stat st;
    if (full) return -ENOSPC;
    real(file, path);
    int existed = lstat(file, &st) == 0;
    int fd = open(file, (info->flags & ~(O_APPEND | O_DIRECT | O_ACCMODE)) | O_RDWR, mode | 0600);
    if (fd < 0) return -errno;
    if (!existed && fstat(fd, &st) == 0) {
        names_changed = 1;
        detach(st.st_ino);
        fresh(st.st_ino, 0);
    }
    info->fh = (uint64_t) fd;
    return 0;
}

static int do_open(const char *path, struct fuse_file_info *info) {
    char file[PATH_MAX];
    if (is_control(path)) {
        info->fh = UINT64_MAX;
        info->direct_io = 1;
        return 0;
    }
    real(file, path);
    int flags = info->flags & ~(O_APPEND | O_DIRECT | O_CREAT | O_EXCL);
    if ((flags & O_ACCMODE) == O_WRONLY) flags = (flags & ~O_ACCMODE) | O_RDWR;
    int fd = open(file, flags);
    if (fd < 0) return -errno;
    if (flags & O_TRUNC) {
        struct stat st;
        if (fstat(fd, &st) == 0) dirty(of_stat(&st), 0, 0);
    }
    info->fh = (uint64_t) fd;
    return 0;
}

static int do_read(const char *path, char *out, size_t size, off_t at, struct fuse_file_info *info) {
    if (is_control(path)) return 0;
    ssize_t got = pread((int) info->fh, out, size, at);
    return got < 0 ? -errno : (int) got;
}

static int do_write(const char *path, const char *data, size_t size, off_t at, struct fuse_file_info *info) {
    struct stat st;
    if (is_control(path)) return command(data, size);
    wait_if_slow();
    if (full) return -ENOSPC;
    ssize_t put = pwrite((int) info->fh, data, size, at);
    if (put < 0) return -errno;
    if (fstat((int) info->fh, &st) == 0) dirty(of_stat(&st), at, at + put);
    return (int) put;
}

static int do_truncate(const char *path, off_t size, struct fuse_file_info *info) {
    char file[PATH_MAX];
    struct stat st;
    if (is_control(path)) return 0;
    real(file, path);
    if (lstat(file, &st) < 0) return -errno;
    if (full && size > st.st_size) return -ENOSPC;
    if ((info != NULL ? ftruncate((int) info->fh, size) : truncate(file, size)) < 0) return -errno;
    dirty(of_stat(&st), size < st.st_size ? size : st.st_size, size);
    return 0;
}

static int do_fallocate(const char *path, int mode, off_t at, off_t length, struct fuse_file_info *info) {
    struct stat st;
    (void) path;
    if (full) return -ENOSPC;
    if (fallocate((int) info->fh, mode, at, length) < 0) return -errno;
    if (fstat((int) info->fh, &st) == 0) dirty(of_stat(&st), at, at + length);
    return 0;
}

static int do_release(const char *path, struct fuse_file_info *info) {
    if (!is_control(path) && info->fh != UINT64_MAX) close((int) info->fh);
    return 0;
}

static int do_fsync(const char *path, int data_only, struct fuse_file_info *info) {
    struct stat st;
    (void) data_only;
    if (is_control(path)) return 0;
    wait_if_slow();
    if (fstat((int) info->fh, &st) < 0) return -errno;
    int result = keep_contents((int) info->fh, of_stat(&st));
    commit_names();
    return result;
}

static int do_fsyncdir(const char *path, int data_only, struct fuse_file_info *info) {
    (void) path;
    (void) data_only;
    (void) info;
    wait_if_slow();
    commit_names();
    return 0;
}

static void forget_if_gone(const struct stat *before) {
    if (S_ISDIR(before->st_mode) || before->st_nlink <= 1) detach(before->st_ino);
}

static int do_unlink(const char *path) {
    names_changed = 1;
    char file[PATH_MAX];
    struct stat st;
    real(file, path);
    if (lstat(file, &st) < 0) return -errno;
    if (unlink(file) < 0) return -errno;
    forget_if_gone(&st);
    return 0;
}

static int do_rmdir(const char *path) {
    names_changed = 1;
    char file[PATH_MAX];
    struct stat st;
    real(file, path);
    if (lstat(file, &st) < 0) return -errno;
    if (rmdir(file) < 0) return -errno;
    forget_if_gone(&st);
    return 0;
}

static int do_rename(const char *from, const char *to, unsigned int flags) {
    names_changed = 1;
    char one[PATH_MAX], other[PATH_MAX];
    struct stat st;
    real(one, from);
    real(other, to);
    int replaces = lstat(other, &st) == 0;
    if (renameat2(AT_FDCWD, one, AT_FDCWD, other, flags) < 0) return -errno;
    if (replaces && (flags & RENAME_EXCHANGE) == 0) forget_if_gone(&st);
    return 0;
}

static int do_link(const char *from, const char *to) {
    names_changed = 1;
    char one[PATH_MAX], other[PATH_MAX];
    if (full) return -ENOSPC;
    real(one, from);
    real(other, to);
    return link(one, other) < 0 ? -errno : 0;
}

static int do_chmod(const char *path, mode_t mode, struct fuse_file_info *info) {
    char file[PATH_MAX];
    (void) info;
    real(file, path);
    return chmod(file, mode) < 0 ? -errno : 0;
}

static int do_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *info) {
    char file[PATH_MAX];
    (void) info;
    if (is_control(path)) return 0;
    real(file, path);
    return utimensat(AT_FDCWD, file, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int do_statfs(const char *path, struct statvfs *st) {
    (void) path;
    if (statvfs(backing, st) < 0) return -errno;
    if (full) st->f_bavail = st->f_bfree = 0;
    return 0;
}

static void *do_init(struct fuse_conn_info *connection, struct fuse_config *config) {
    (void) connection;
    /* Names and sizes change under the kernel when power fails. */
    config->entry_timeout = 0;
    config->attr_timeout = 0;
    config->negative_timeout = 0;
    config->hard_remove = 0;
    return NULL;
}

static const struct fuse_operations operations = {
    .init = do_init,
    .getattr = do_getattr,
    .readdir = do_readdir,
    .mkdir = do_mkdir,
    .create = do_create,
    .open = do_open,
    .read = do_read,
    .write = do_write,
    .truncate = do_truncate,
    .fallocate = do_fallocate,
    .release = do_release,
    .fsync = do_fsync,
    .fsyncdir = do_fsyncdir,
    .unlink = do_unlink,
    .rmdir = do_rmdir,
    .rename = do_rename,
    .link = do_link,
    .chmod = do_chmod,
    .utimens = do_utimens,
    .statfs = do_statfs,
};

int main(int argc, char **argv) {
    struct stat st;
    if (argc != 4) {
        fprintf(stderr, "usage: chaosfs BACKING DURABLE MOUNTPOINT\n");
        return 2;
    }
    backing = argv[1];
    durable = argv[2];
    if (lstat(backing, &st) < 0) {
        perror(backing);
        return 1;
    }
    root = fresh(st.st_ino, 1);
    char *options[] = {argv[0], "-f", "-s", "-o", "fsname=chaosfs", argv[3], NULL};
    return fuse_main(6, options, &operations, NULL);
}
