/*
 * cpu.h -- which instruction set the kernels may use.
 *
 * Read from cpuid and xgetbv once; the environment variable YODA_ISA=scalar|avx2|avx512 lowers it
 * (a set the machine lacks is ignored). avx512 means F, BW, VL, DQ, VBMI, VBMI2 and what x86-64-v4
 * has; avx2 means x86-64-v3.
 */
#ifndef YODA_BASE_CPU_H
#define YODA_BASE_CPU_H

enum cpu_isa { CPU_SCALAR = 0, CPU_AVX2 = 1, CPU_AVX512 = 2 };

enum cpu_isa cpu_isa_detect(void); /* the machine's best, ignoring the environment */
enum cpu_isa cpu_isa_chosen(void); /* what this process uses */
const char *cpu_isa_name(enum cpu_isa isa);

#endif
