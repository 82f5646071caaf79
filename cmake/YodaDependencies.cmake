# System packages only; a missing one is named in one clear line with the package to install.
find_package(Threads REQUIRED)

function(yoda_dependency name header library debian)
    find_path(YODA_${name}_INCLUDE ${header})
    find_library(YODA_${name}_LIBRARY ${library})
    mark_as_advanced(YODA_${name}_INCLUDE YODA_${name}_LIBRARY)
    if(NOT YODA_${name}_INCLUDE OR NOT YODA_${name}_LIBRARY)
        message(FATAL_ERROR "Yoda needs ${name}: install ${debian} (or run scripts/setup)")
    endif()
    add_library(YodaDeps::${name} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(YodaDeps::${name} PROPERTIES
        IMPORTED_LOCATION "${YODA_${name}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${YODA_${name}_INCLUDE}")
endfunction()

yoda_dependency(sqlite3 sqlite3.h sqlite3
                "libsqlite3-dev (Debian), sqlite-devel (Fedora), sqlite (Arch, Homebrew)")
yoda_dependency(lz4 lz4.h lz4 "liblz4-dev (Debian), lz4-devel (Fedora), lz4 (Arch, Homebrew)")
yoda_dependency(xxhash xxhash.h xxhash
                "libxxhash-dev (Debian), xxhash-devel (Fedora), xxhash (Arch, Homebrew)")
if(YODA_TESTS)
    yoda_dependency(cmocka cmocka.h cmocka
                    "libcmocka-dev (Debian), libcmocka-devel (Fedora), cmocka (Arch, Homebrew)")
endif()

file(STRINGS "${YODA_sqlite3_INCLUDE}/sqlite3.h" sqlite_version_line
     REGEX "^#define SQLITE_VERSION_NUMBER")
string(REGEX MATCH "[0-9]+$" sqlite_version "${sqlite_version_line}")
if(sqlite_version LESS 3038000)
    message(FATAL_ERROR "Yoda needs SQLite 3.38 or newer; the header says ${sqlite_version}")
endif()
