// The test runner where Catch2 2 is a header only.
#define CATCH_CONFIG_MAIN
#include "catch.hpp"
