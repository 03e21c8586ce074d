// SPDX-License-Identifier: MIT
// One program out of smoke.cpp three times, each compiled with other flags: see tests/CMakeLists.txt.
int smoke_a();
int smoke_b();
int smoke_c();

int main() {
    const int failed = smoke_a() + smoke_b() + smoke_c();
    return failed == 0 ? 0 : 1;
}
