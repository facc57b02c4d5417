# The bill of materials: the libraries from outside that the programs and the installed headers are made with, with
# version and license, as CycloneDX JSON (https://cyclonedx.org/docs/1.5/json/). It says nothing that depends on the time
# or the folder of the build. scripts/ci/check_sbom.py compares it with packages.cmake and with what the programs load.

# Appends a component to `components`. `package`: its name in packages.cmake; `loads`: the beginnings of the names of its
# shared libraries, none when it is headers alone. Nothing when the package is not there.
macro(cardiograd_sbom_component package name version license loads)
  if(NOT "${version}" STREQUAL "")
    list(APPEND references "\"${name}\"")
    string(APPEND components "${separator}
    {
      \"type\": \"library\",
      \"bom-ref\": \"${name}\",
      \"name\": \"${name}\",
      \"version\": \"${version}\",
      \"purl\": \"pkg:generic/${name}@${version}\",
      \"licenses\": [{\"expression\": \"${license}\"}],
      \"properties\": [
        {\"name\": \"cardiograd:package\", \"value\": \"${package}\"},
        {\"name\": \"cardiograd:loads\", \"value\": \"${loads}\"}
      ]
    }")
    set(separator ",")
  endif()
endmacro()

function(cardiograd_sbom output)
  set(runtime "GPL-3.0-or-later WITH GCC-exception-3.1")
  set(gcc ${CMAKE_CXX_COMPILER_VERSION})
  execute_process(COMMAND ldd --version OUTPUT_VARIABLE glibc)
  string(REGEX MATCH "[0-9]+\\.[0-9]+" glibc "${glibc}")
  if(LibCSV_FOUND)
    file(STRINGS ${LIBCSV_INCLUDE_DIR}/csv.h csv REGEX "define CSV_(MAJOR|MINOR|RELEASE) [0-9]")
    string(REGEX REPLACE "[^0-9;]" "" csv "${csv}")
    string(REPLACE ";" "." csv "${csv}")
  endif()

  if(TARGET MPI::MPI_CXX)
    find_file(mpi_header mpi.h PATHS ${MPI_CXX_INCLUDE_DIRS} NO_DEFAULT_PATH NO_CACHE)
    file(STRINGS ${mpi_header} mpi REGEX "define OMPI_(MAJOR|MINOR|RELEASE)_VERSION [0-9]")
    string(REGEX REPLACE "[^0-9;]" "" mpi "${mpi}")
    string(REPLACE ";" "." mpi "${mpi}")
  endif()

  cardiograd_sbom_component(fmt fmt "${fmt_VERSION}" MIT libfmt.so)
  cardiograd_sbom_component(Eigen3 eigen "${Eigen3_VERSION}" MPL-2.0 "")
  cardiograd_sbom_component(Boost boost-context "${Boost_VERSION}" BSL-1.0 libboost_context.so)
  cardiograd_sbom_component(CLI11 CLI11 "${CLI11_VERSION}" BSD-3-Clause "")
  cardiograd_sbom_component(nlohmann_json nlohmann-json "${nlohmann_json_VERSION}" MIT "")
  cardiograd_sbom_component(tomlplusplus tomlplusplus "${tomlplusplus_VERSION}" MIT libtomlplusplus.so)
  cardiograd_sbom_component(LibCSV libcsv "${csv}" LGPL-2.1-or-later libcsv.so)
  cardiograd_sbom_component(ZLIB zlib "${ZLIB_VERSION_STRING}" Zlib libz.so)
  cardiograd_sbom_component(pugixml pugixml "${pugixml_VERSION}" MIT libpugixml.so)
  cardiograd_sbom_component(XXHASH xxhash "${XXHASH_VERSION}" BSD-2-Clause libxxhash.so)
  cardiograd_sbom_component(FLAC flac "${FLAC_VERSION}" BSD-3-Clause libFLAC.so)
  cardiograd_sbom_component(Protobuf protobuf "${Protobuf_VERSION}" BSD-3-Clause libprotobuf.so)
  cardiograd_sbom_component(ONNX onnx "${ONNX_VERSION}" Apache-2.0 libonnx)
  cardiograd_sbom_component(MPI open-mpi "${mpi}" BSD-3-Clause-Open-MPI libmpi)
  cardiograd_sbom_component(NCCL nccl "${NCCL_VERSION}" Apache-2.0 libnccl.so)
  cardiograd_sbom_component(CUDAToolkit cuda "${CUDAToolkit_VERSION}" LicenseRef-NVIDIA-CUDA-EULA libcublasLt.so)
  cardiograd_sbom_component("" libstdc++ "${gcc}" "${runtime}" libstdc++.so)
  cardiograd_sbom_component("" libgcc "${gcc}" "${runtime}" libgcc_s.so)
  cardiograd_sbom_component("" glibc "${glibc}" LGPL-2.1-or-later "libc.so libm.so ld-linux")

  list(JOIN references ", " references)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"{
  \"bomFormat\": \"CycloneDX\",
  \"specVersion\": \"1.5\",
  \"version\": 1,
  \"metadata\": {
    \"component\": {
      \"type\": \"application\",
      \"bom-ref\": \"cardiograd\",
      \"name\": \"cardiograd\",
      \"version\": \"@PROJECT_VERSION@\",
      \"description\": \"@PROJECT_DESCRIPTION@\",
      \"licenses\": [{\"expression\": \"Apache-2.0\"}]
    }
  },
  \"components\": [@components@
  ],
  \"dependencies\": [{\"ref\": \"cardiograd\", \"dependsOn\": [@references@]}]
}
")
endfunction()
