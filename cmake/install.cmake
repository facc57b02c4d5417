# cmake --install: the programs as cardiograd-<name>, the rooms' static libraries, their headers in
# include/cardiograd/<room>/, the package that find_package(cardiograd) finds, the completions of bash and zsh, and the
# bill of materials (sbom.cmake).
include(CMakePackageConfigHelpers)

# The programs print their completions themselves, at the installation.
function(cardiograd_install_completions programs)
  set(folder ${PROJECT_BINARY_DIR}/generated/completion)
  foreach(program ${programs})
    foreach(shell bash zsh)
      install(CODE "
        file(MAKE_DIRECTORY \"${folder}/${shell}\")
        execute_process(COMMAND \"$<TARGET_FILE:${program}>\" --completion ${shell}
          OUTPUT_FILE \"${folder}/${shell}/${program}\" COMMAND_ERROR_IS_FATAL ANY)")
    endforeach()
    install(FILES ${folder}/bash/${program} RENAME cardiograd-${program}
      DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${folder}/zsh/${program} RENAME _cardiograd-${program}
      DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  endforeach()
endfunction()

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
  cardiograd_install_completions("${programs}")

  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cardiogradConfig.cmake.in
    ${PROJECT_BINARY_DIR}/generated/cardiogradConfig.cmake INSTALL_DESTINATION ${package})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/cardiogradConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/generated/cardiogradConfig.cmake
    ${PROJECT_BINARY_DIR}/generated/cardiogradConfigVersion.cmake ${PROJECT_SOURCE_DIR}/cmake/FindLibCSV.cmake
    ${PROJECT_SOURCE_DIR}/cmake/FindNCCL.cmake
    DESTINATION ${package})
  cardiograd_sbom(${PROJECT_BINARY_DIR}/generated/cardiograd.cdx.json)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
    ${PROJECT_BINARY_DIR}/generated/cardiograd.cdx.json DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()
