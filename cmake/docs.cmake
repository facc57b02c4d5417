# The program that draws the figures of docs/, and the tests that they can be drawn and that the tables of docs/ are those
# of the code. Label: docs.
function(cardiograd_docs)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/figures/*.cpp)
  add_executable(docs_figures ${sources})
  set_target_properties(docs_figures PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/docs)
  target_link_libraries(docs_figures PRIVATE cardiograd_report cardiograd_synthetic)
  target_compile_options(docs_figures PRIVATE ${CARDIOGRAD_WARNINGS})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/docs/figures)
  add_test(NAME Docs.DelineationFigures COMMAND docs_figures ${CMAKE_BINARY_DIR}/docs/figures)
  set_tests_properties(Docs.DelineationFigures PROPERTIES LABELS docs TIMEOUT 120)
  find_package(Python3 COMPONENTS Interpreter)
  if(Python3_FOUND)
    add_test(NAME Docs.DelineationConstants
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/ci/delineation_constants.py --check)
    set_tests_properties(Docs.DelineationConstants PROPERTIES LABELS docs TIMEOUT 60)
  endif()
endfunction()
