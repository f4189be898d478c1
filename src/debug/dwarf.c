/*
 * Functions and lines from debug information: see dwarf.h. Debug information is taken from the programs
 * themselves and from files that are installed beside them, by build id; libdw's standard way would also
 * ask servers, and wait for them.
 */
#include "debug/dwarf.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "debug/symbols.h"

#ifdef COIL_HAVE_LIBDW

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include "sys/alloc.h"
#include "sys/library.h"

/* The functions of libdw that are used here, as F(name). */
#define FUNCTIONS(F)                \
    F(dwfl_begin)                   \
    F(dwfl_end)                     \
    F(dwfl_report_begin_add)        \
    F(dwfl_report_end)              \
    F(dwfl_linux_proc_report)       \
    F(dwfl_linux_proc_find_elf)     \
    F(dwfl_build_id_find_debuginfo) \
    F(dwfl_addrmodule)              \
    F(dwfl_module_info)             \
    F(dwfl_module_addrinfo)         \
    F(dwfl_module_addrdie)          \
    F(dwfl_module_nextcu)           \
    F(dwarf_haspc)                  \
    F(dwarf_getsrc_die)             \
    F(dwarf_linesrc)                \
    F(dwarf_lineno)                 \
    F(dwarf_getscopes)              \
    F(dwarf_getscopes_die)          \
    F(dwarf_tag)                    \
    F(dwarf_diename)                \
    F(dwarf_attr)                   \
    F(dwarf_formudata)              \
    F(dwarf_getsrcfiles)            \
    F(dwarf_filesrc)

struct ci_dwarf {
    Dwfl *session;
    Dwfl_Callbacks callbacks;
#define MEMBER(name) __typeof__(name) *name;
    FUNCTIONS(MEMBER)
#undef MEMBER
};

static int load(struct ci_dwarf *dwarf)
{
    void *library = ci_library_open("libdw.so.1");
    int rc = library == NULL ? -1 : 0;

#define LOAD(name) rc = rc < 0 ? rc : ci_library_function(library, #name, &dwarf->name);
    FUNCTIONS(LOAD)
#undef LOAD
    return rc;
}

/* Has libdw look at what is mapped now. */
static int report_modules(struct ci_dwarf *dwarf)
{
    dwarf->dwfl_report_begin_add(dwarf->session);
    int rc = dwarf->dwfl_linux_proc_report(dwarf->session, getpid());
    return dwarf->dwfl_report_end(dwarf->session, NULL, NULL) != 0 || rc != 0 ? -1 : 0;
}

struct ci_dwarf *ci_dwarf_open(void)
{
    struct ci_dwarf *dwarf = ci_alloc_zero(sizeof(*dwarf));

    if (dwarf == NULL || load(dwarf) < 0) {
        ci_free(dwarf);
        return NULL;
    }
    dwarf->callbacks = (Dwfl_Callbacks){.find_elf = dwarf->dwfl_linux_proc_find_elf,
                                        .find_debuginfo = dwarf->dwfl_build_id_find_debuginfo};
    dwarf->session = dwarf->dwfl_begin(&dwarf->callbacks);
    if (dwarf->session == NULL || report_modules(dwarf) < 0) {
        ci_dwarf_close(dwarf);
        return NULL;
    }
    return dwarf;
}

void ci_dwarf_close(struct ci_dwarf *dwarf)
{
    if (dwarf != NULL) {
        if (dwarf->session != NULL) {
            dwarf->dwfl_end(dwarf->session);
        }
        ci_free(dwarf);
    }
}

/* Where the inlined function die was called, into the frame of its caller. */
static void take_call_site(const struct ci_dwarf *dwarf, Dwarf_Die *unit, Dwarf_Die *die, struct ci_frame *frame)
{
    Dwarf_Attribute attribute;
    Dwarf_Files *files;
    Dwarf_Word number;
    size_t count;

    if (dwarf->dwarf_formudata(dwarf->dwarf_attr(die, DW_AT_call_line, &attribute), &number) == 0) {
        frame->line = (int)number;
    }
    if (dwarf->dwarf_getsrcfiles(unit, &files, &count) == 0 &&
        dwarf->dwarf_formudata(dwarf->dwarf_attr(die, DW_AT_call_file, &attribute), &number) == 0) {
        frame->file = dwarf->dwarf_filesrc(files, number, NULL, NULL);
    }
}

/*
 * Turns frames[0], which has file and line of the address, into one frame for each function that is inlined
 * there and one for the function itself. chain is what encloses the address, innermost first.
 */
static size_t unfold(const struct ci_dwarf *dwarf, Dwarf_Die *unit, Dwarf_Die *chain, int length,
                     struct ci_frame *frames, size_t capacity)
{
    size_t at = 0;

    for (int i = 0; i < length; i++) {
        int tag = dwarf->dwarf_tag(&chain[i]);
        const char *name = dwarf->dwarf_diename(&chain[i]);
        if (tag == DW_TAG_inlined_subroutine && at + 1 < capacity) {
            frames[at + 1] = frames[at];
            take_call_site(dwarf, unit, &chain[i], &frames[at + 1]);
            frames[at].function = name;
            frames[at].inlined = true;
            at++;
        } else if (tag == DW_TAG_subprogram) {
            frames[at].function = name == NULL ? frames[at].function : name;
            break;
        }
    }
    return at + 1;
}

/*
 * Takes the frame apart into those of the functions that are inlined there. Returns how many it has become.
 */
static size_t find_inlined(const struct ci_dwarf *dwarf, Dwarf_Die *unit, Dwarf_Addr address, struct ci_frame *frames,
                           size_t capacity)
{
    Dwarf_Die *scopes = NULL;
    Dwarf_Die *chain = NULL;
    size_t count = 1;

    if (dwarf->dwarf_getscopes(unit, address, &scopes) <= 0) {
        return 1;
    }
    /*
     * What encloses an inlined function there is its text; what encloses it in the machine's code is found
     * from the entry itself.
     */
    int length = dwarf->dwarf_getscopes_die(&scopes[0], &chain);
    if (length > 0) {
        count = unfold(dwarf, unit, chain, length, frames, capacity);
    }
    free(chain); /* libdw has it from malloc */
    free(scopes);
    return count;
}

/*
 * The compilation unit that address lies in: by the module's index, or, for compilers that make none
 * (clang), by going through all.
 */
static Dwarf_Die *unit_of(const struct ci_dwarf *dwarf, Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = dwarf->dwfl_module_addrdie(module, address, bias);

    if (unit != NULL) {
        return unit;
    }
    do {
        unit = dwarf->dwfl_module_nextcu(module, unit, bias);
    } while (unit != NULL && dwarf->dwarf_haspc(unit, address - *bias) <= 0);
    return unit;
}

static Dwfl_Module *module_of(struct ci_dwarf *dwarf, Dwarf_Addr address)
{
    Dwfl_Module *module = dwarf->dwfl_addrmodule(dwarf->session, address);

    if (module == NULL && report_modules(dwarf) == 0) {
        module = dwarf->dwfl_addrmodule(dwarf->session, address); /* it was loaded since */
    }
    return module;
}

size_t ci_dwarf_find(struct ci_dwarf *dwarf, const void *address, struct ci_frame *frames, size_t capacity)
{
    Dwarf_Addr call = (uintptr_t)address - 1; /* the return address may belong to the next line, or function */
    Dwfl_Module *module = module_of(dwarf, call);
    GElf_Off offset;
    GElf_Sym symbol;
    Dwarf_Addr start;
    Dwarf_Addr bias;

    if (module == NULL || capacity == 0) {
        return 0;
    }
    struct ci_frame frame = {.address = address};
    const char *name = dwarf->dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, &frame.module, NULL);
    frame.module = frame.module == NULL ? name : frame.module; /* the kernel's own has no file */
    frame.offset = (uintptr_t)(call - start);
    frame.function = dwarf->dwfl_module_addrinfo(module, call, &offset, &symbol, NULL, NULL, NULL);
    frames[0] = frame;
    Dwarf_Die *unit = unit_of(dwarf, module, call, &bias);
    Dwarf_Line *line = unit == NULL ? NULL : dwarf->dwarf_getsrc_die(unit, call - bias);
    if (line == NULL) {
        return 1;
    }
    frames[0].file = dwarf->dwarf_linesrc(line, NULL, NULL);
    (void)dwarf->dwarf_lineno(line, &frames[0].line); /* stays 0 where there is none */
    return find_inlined(dwarf, unit, call - bias, frames, capacity);
}

#else

struct ci_dwarf *ci_dwarf_open(void)
{
    return NULL;
}

size_t ci_dwarf_find(struct ci_dwarf *dwarf, const void *address, struct ci_frame *frames, size_t capacity)
{
    (void)dwarf;
    (void)address;
    (void)frames;
    (void)capacity;
    return 0;
}

void ci_dwarf_close(struct ci_dwarf *dwarf)
{
    (void)dwarf;
}

#endif
