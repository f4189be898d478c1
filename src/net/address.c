/* Addresses in words: see address.h. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <coil/base.h>

/* A file's name ends where its address ends, not always with a zero; one without a file begins with a zero. */
static void write_path(const struct sockaddr_un *address, socklen_t length, char *out)
{
    size_t before = offsetof(struct sockaddr_un, sun_path);
    size_t count = length > before ? length - before : 0;

    if (count == 0 || address->sun_path[0] == '\0') {
        (void)snprintf(out, CI_ADDRESS_BYTES, "a Unix socket without a name");
        return;
    }
    count = strnlen(address->sun_path, count);
    (void)snprintf(out, CI_ADDRESS_BYTES, "%.*s", (int)count, address->sun_path);
}

const char *ci_address_text(const struct sockaddr *address, socklen_t length, char *out)
{
    char digits[INET6_ADDRSTRLEN] = "?";
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;

    if (address->sa_family == AF_INET && length >= sizeof v4) {
        memcpy(&v4, address, sizeof v4);
        (void)inet_ntop(AF_INET, &v4.sin_addr, digits, sizeof digits); /* there is room, and the family is right */
        (void)snprintf(out, CI_ADDRESS_BYTES, "%s:%u", digits, ntohs(v4.sin_port));
    } else if (address->sa_family == AF_INET6 && length >= sizeof v6) {
        memcpy(&v6, address, sizeof v6);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, digits, sizeof digits); /* likewise */
        (void)snprintf(out, CI_ADDRESS_BYTES, "[%s]:%u", digits, ntohs(v6.sin6_port));
    } else if (address->sa_family == AF_UNIX) {
        write_path((const struct sockaddr_un *)(const void *)address, length, out);
    } else {
        (void)snprintf(out, CI_ADDRESS_BYTES, "an address of family %d", address->sa_family);
    }
    return out;
}

void ci_failures_add(struct ci_failures *failures, const struct sockaddr *address, socklen_t length, int error)
{
    char words[CI_ADDRESS_BYTES];
    size_t room = sizeof failures->text - failures->length;
    int count = snprintf(failures->text + failures->length, room, "%s%s: %s", failures->length > 0 ? "; " : "",
                         ci_address_text(address, length, words), coil_strerror(error));

    failures->last = error;
    if (count > 0 && (size_t)count < room) {
        failures->length += (size_t)count;
    } else {
        failures->text[failures->length] = '\0';
    }
}
