# Every library comes from the distribution's packages; ./dev deps installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)
pkg_check_modules(AVRO REQUIRED IMPORTED_TARGET avro-c>=1.11)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.74)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(PROTOBUFC REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(CYAML REQUIRED IMPORTED_TARGET libcyaml)
pkg_check_modules(GD REQUIRED IMPORTED_TARGET gdlib)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.71)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libcrypto)
find_program(PROTOC_C protoc-c REQUIRED)

# gRPC's own pkg-config names dozens of libraries that it links already, and the core's version for gRPC's.
find_path(GRPC_INCLUDE grpc/grpc.h REQUIRED)
find_library(GRPC_LIBRARY grpc REQUIRED)
find_library(GPR_LIBRARY gpr REQUIRED)
add_library(GRPC::grpc INTERFACE IMPORTED)
target_include_directories(GRPC::grpc INTERFACE ${GRPC_INCLUDE})
target_link_libraries(GRPC::grpc INTERFACE ${GRPC_LIBRARY} ${GPR_LIBRARY})
include(CheckSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${GRPC_INCLUDE})
set(CMAKE_REQUIRED_LIBRARIES ${GRPC_LIBRARY} ${GPR_LIBRARY})
check_source_compiles(C "
#include <grpc/grpc_security.h>
#if __has_include(<grpc/credentials.h>)
#include <grpc/credentials.h>
#endif
int main(void) { return grpc_google_default_credentials_create(0, 0) != 0; }" WEFT_GRPC_DEFAULT_CREDENTIALS_2)
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_LIBRARIES)
if(WEFT_TESTS)
  pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
endif()
