/*
 * Holds each packet of netfilter queue 0 for a random time between two numbers of milliseconds, then lets it go. As each packet has a
 * time of its own, packets overtake each other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 65536

struct held {
    uint32_t id;
    uint64_t due;
};

static struct held held[MOST];
static size_t count;
static struct nfq_q_handle *queue;
static int least, most;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000u + (uint64_t) t.tv_nsec / 1000u;
}

static int arrived(struct nfq_q_handle *q, struct nfgenmsg *message, struct nfq_data *data, void *unused) {
    (void) q;
    (void) message;
    (void) unused;
    struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(data);
    if (header == NULL) return 0;
    uint32_t id = ntohl(header->packet_id);
    if (count == MOST) return nfq_set_verdict(queue, id, NF_DROP, 0, NULL);
    uint64_t wait = (uint64_t) least * 1000u + (uint64_t) (drand48() * (most - least) * 1000.0);
    held[count].id = id;
    held[count].due = now() + wait;
    count++;
    return 0;
}

/* Lets go what is due; how long until the next, in milliseconds, or -1. */
static int release(void) {
    uint64_t time = now(), next = UINT64_MAX;
    for (size_t i = 0; i < count;) {
        if (held[i].due <= time) {
            nfq_set_verdict(queue, held[i].id, NF_ACCEPT, 0, NULL);
            held[i] = held[--count];
        } else {
            if (held[i].due < next) next = held[i].due;
            i++;
        }
    }
    return next == UINT64_MAX ? -1 : (int) ((next - time) / 1000u) + 1;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: slownet LEAST_MS MOST_MS\n");
        return 2;
    }
    least = atoi(argv[1]);
    most = atoi(argv[2]);
    srand48((long) getpid());
    struct nfq_handle *handle = nfq_open();
    if (handle == NULL) {
        perror("netfilter queues");
        return 1;
    }
    queue = nfq_create_queue(handle, 0, &arrived, NULL);
    if (queue == NULL || nfq_set_mode(queue, NFQNL_COPY_META, 0) < 0) {
        perror("netfilter queue 0");
        return 1;
    }
    nfq_set_queue_maxlen(queue, MOST);
    int fd = nfq_fd(handle);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    puts("ready");
    fflush(stdout);
    char buffer[65536];
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (poll(&poller, 1, release()) < 0 && errno != EINTR) return 1;
        for (;;) {
            ssize_t length = recv(fd, buffer, sizeof buffer, 0);
            if (length < 0) break;
            nfq_handle_packet(handle, buffer, (int) length);
        }
    }
}
