// The program whose precompiled header the tests that need LibTorch share.
int main() {}
