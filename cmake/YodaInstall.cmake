# Install rules, the CMake package (yoda::yoda, yoda::static) and yoda.pc.
install(TARGETS yoda EXPORT yodaTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS yoda_static EXPORT yodaTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/yoda.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT yodaTargets NAMESPACE yoda:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/yoda)

configure_package_config_file(cmake/yodaConfig.cmake.in yodaConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/yoda)
write_basic_package_version_file(yodaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/yodaConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/yodaConfigVersion.cmake"
              cmake/YodaDependencies.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/yoda)

# The prefix is found from where yoda.pc lies, so an installed tree may be moved.
file(RELATIVE_PATH YODA_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(cmake/yoda.pc.in yoda.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/yoda.pc"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
