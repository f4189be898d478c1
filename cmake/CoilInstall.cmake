# What `cmake --install` puts where: the library, its headers, and the files through which find_package and
# pkg-config find them. All paths in those are relative to the files themselves, so that an installed tree can
# be moved.

include(CMakePackageConfigHelpers)

install(TARGETS coil EXPORT coilTargets)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h")

# A static library leaves its own needs to whoever links it: only then do they concern those who find coil.
set(COIL_STATIC_NEEDS_LIBURING OFF)
if(COIL_HAVE_IO_URING AND NOT BUILD_SHARED_LIBS)
    set(COIL_STATIC_NEEDS_LIBURING ON)
endif()

set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/coil")
install(EXPORT coilTargets NAMESPACE coil:: DESTINATION "${config_dir}")
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/coilConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/coilConfig.cmake"
    INSTALL_DESTINATION "${config_dir}"
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/coilConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/coilConfig.cmake" "${PROJECT_BINARY_DIR}/coilConfigVersion.cmake"
    DESTINATION "${config_dir}")

file(RELATIVE_PATH prefix_from_pc "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
file(RELATIVE_PATH libdir_from_prefix "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH includedir_from_prefix "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
set(needed_libs "${CMAKE_THREAD_LIBS_INIT}")
set(needed_packages)
if(COIL_HAVE_IO_URING)
    set(needed_packages liburing)
endif()
if(NOT BUILD_SHARED_LIBS)
    set(needed_libs_here "${needed_libs}")
    set(needed_packages_here "${needed_packages}")
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/coil.pc.in" "${PROJECT_BINARY_DIR}/coil.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/coil.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
