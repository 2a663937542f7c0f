// The program that a precompiled header of the tests belongs to; its main is main.cpp's.
