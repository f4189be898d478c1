/*
 * The mark on everything that the library lets out. The library is compiled with hidden visibility, so that
 * its rooms can share functions with each other which no program can come to depend on; what a public header
 * declares carries COIL_API. The names that leave the shared library are those that carry the mark and match
 * src/coil.map. This header knows nothing of what is declared with it.
 */
#ifndef COIL_EXPORT_H
#define COIL_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define COIL_API __attribute__((visibility("default")))
#else
#define COIL_API
#endif

#endif
