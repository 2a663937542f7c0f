// The program of a precompiled header that tests share.
int main() {}
