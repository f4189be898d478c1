# How every target of this project is compiled: the language, the warnings, the sanitizers. It is a function
# and not a set of directory-wide flags, so that nothing of it reaches a project that adds coil to its own.

set(COIL_WARNINGS
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual)

function(coil_target target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 17
        C_STANDARD_REQUIRED ON
        C_EXTENSIONS ON
        C_VISIBILITY_PRESET hidden)
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    if(PROJECT_IS_TOP_LEVEL)
        target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:C>:${COIL_WARNINGS}>")
    endif()
    if(COIL_WERROR)
        target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:-Werror>)
    endif()
    if(COIL_SANITIZE)
        list(JOIN COIL_SANITIZE "," sanitizers)
        set(flags -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:C>:${flags}>")
        target_link_options(${target} PRIVATE -fsanitize=${sanitizers})
    endif()
endfunction()
