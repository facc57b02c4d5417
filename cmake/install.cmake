# cmake --install: the programs as cardiograd-<name>, the rooms' static libraries, their headers in
# include/cardiograd/<room>/, and the package that find_package(cardiograd) finds.
include(CMakePackageConfigHelpers)

function(cardiograd_install)
  get_property(rooms GLOBAL PROPERTY CARDIOGRAD_ROOMS)
  get_property(programs GLOBAL PROPERTY CARDIOGRAD_PROGRAMS)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/cardiograd)
  set_target_properties(cardiograd_flags PROPERTIES EXPORT_NAME flags)
  set(targets cardiograd_flags)
  foreach(room ${rooms})
    list(APPEND targets cardiograd_${room})
    if(NOT IS_DIRECTORY ${PROJECT_SOURCE_DIR}/${room})
      continue()  # In the folder of another room.
    endif()
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${room} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cardiograd
      FILES_MATCHING PATTERN "*.h" PATTERN "*.cuh" PATTERN "example" EXCLUDE PATTERN "ladder" EXCLUDE)
  endforeach()
  if(TARGET cardiograd_device)
    set_target_properties(cardiograd_device PROPERTIES EXPORT_NAME device)
    list(APPEND targets cardiograd_device)
  endif()
  install(TARGETS ${targets} EXPORT cardiograd ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT cardiograd NAMESPACE cardiograd:: FILE cardiogradTargets.cmake DESTINATION ${package})
  foreach(program ${programs})
    install(PROGRAMS $<TARGET_FILE:${program}> DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME cardiograd-${program})
  endforeach()

  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cardiogradConfig.cmake.in
    ${PROJECT_BINARY_DIR}/generated/cardiogradConfig.cmake INSTALL_DESTINATION ${package})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/cardiogradConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/generated/cardiogradConfig.cmake
    ${PROJECT_BINARY_DIR}/generated/cardiogradConfigVersion.cmake ${PROJECT_SOURCE_DIR}/cmake/FindLibCSV.cmake
    DESTINATION ${package})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()
