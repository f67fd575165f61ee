#!/usr/bin/env python3
"""Static archives that stand for CUDA's libraries and look for the real ones at the first call.

candle asks the linker for libcuda, libnvrtc, libcublas, libcublasLt and libcurand, and a program linked with them does not
start on a machine that has none. An archive made here defines every function that cudarc declares: the first call loads
the library, later ones jump. Where there is no library a call returns an error code, as on a machine without a card.

    lazy.py <folder of cudarc's sources> <folder for the archives>       x86-64 Linux, with cc and ar
"""

import pathlib
import re
import subprocess
import sys

# Folder in cudarc, name of the library, files to try, what a call returns where there is none of them.
LIBRARIES = [
    ("driver", "cuda", ["libcuda.so.1", "libcuda.so"], 100),  # CUDA_ERROR_NO_DEVICE
    ("nvrtc", "nvrtc", ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"], 11),  # NVRTC_ERROR_INTERNAL_ERROR
    ("cublas", "cublas", ["libcublas.so.13", "libcublas.so"], 1),  # CUBLAS_STATUS_NOT_INITIALIZED
    ("cublaslt", "cublasLt", ["libcublasLt.so.13", "libcublasLt.so"], 1),
    ("curand", "curand", ["libcurand.so.10", "libcurand.so"], 101),  # CURAND_STATUS_NOT_INITIALIZED
]

# Registers that may hold arguments are kept while the function is looked for.
COMMON = """
.text
lazy_common:
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %rax
    subq $128, %rsp
    movups %xmm0, (%rsp)
    movups %xmm1, 16(%rsp)
    movups %xmm2, 32(%rsp)
    movups %xmm3, 48(%rsp)
    movups %xmm4, 64(%rsp)
    movups %xmm5, 80(%rsp)
    movups %xmm6, 96(%rsp)
    movups %xmm7, 112(%rsp)
    movl %r11d, %edi
    call LIBRARY_find
    movq %rax, %r11
    movups (%rsp), %xmm0
    movups 16(%rsp), %xmm1
    movups 32(%rsp), %xmm2
    movups 48(%rsp), %xmm3
    movups 64(%rsp), %xmm4
    movups 80(%rsp), %xmm5
    movups 96(%rsp), %xmm6
    movups 112(%rsp), %xmm7
    addq $128, %rsp
    popq %rax
    popq %r9
    popq %r8
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    jmp *%r11
.globl LIBRARY_fail
.hidden LIBRARY_fail
LIBRARY_fail:
    movl $CODE, %eax
    ret
.globl LIBRARY_fail_text
.hidden LIBRARY_fail_text
LIBRARY_fail_text:
    leaq lazy_text(%rip), %rax
    ret
.section .rodata
lazy_text: .asciz "the library is not on this machine"
"""

FIND = """
#include <dlfcn.h>
#include <stddef.h>
#define HIDDEN __attribute__((visibility("hidden")))
extern HIDDEN void* LIBRARY_slots[];
extern HIDDEN char LIBRARY_fail[], LIBRARY_fail_text[];
static const char* const files[] = {FILES};
static const struct { const char* name; int text; } functions[] = {FUNCTIONS};
HIDDEN void* LIBRARY_find(unsigned number) {
    static void* library = NULL;
    for (size_t at = 0; !library && at < sizeof files / sizeof *files; at++) library = dlopen(files[at], RTLD_NOW | RTLD_GLOBAL);
    void* found = library ? dlsym(library, functions[number].name) : NULL;
    if (found) __atomic_store_n(&LIBRARY_slots[number], found, __ATOMIC_RELEASE);
    return found ? found : functions[number].text ? LIBRARY_fail_text : LIBRARY_fail;
}
"""


def functions(source: str) -> list[tuple[str, bool]]:
    """Names, and whether a text is returned; a function that is declared for several versions once."""
    found = re.findall(r"^pub unsafe fn (\w+)\(.*?\)(?: -> ([^{]+?))? \{$", source, re.MULTILINE)
    own = {"is_culib_present", "culib"}
    return sorted({name: "c_char" in result for name, result in found if name not in own}.items())


def archive(name: str, files: list[str], code: int, table: list[tuple[str, bool]], out: pathlib.Path) -> None:
    library = f"lazy_{name}"
    lines = [COMMON.replace("LIBRARY", library).replace("CODE", str(code)), ".text"]
    for at, (function, _) in enumerate(table):
        lines += [
            f".globl {function}",
            f".type {function}, @function",
            f"{function}: jmp *{library}_slots+{8 * at}(%rip)",
            f"lazy_first_{at}: movl ${at}, %r11d",
            "    jmp lazy_common",
        ]
    lines += [".data", ".balign 8", f".globl {library}_slots", f".hidden {library}_slots", f"{library}_slots:"]
    lines += [f"    .quad lazy_first_{at}" for at in range(len(table))]
    lines += ['.section .note.GNU-stack,"",@progbits', ""]
    find = FIND.replace("LIBRARY", library).replace("FILES", ", ".join(f'"{file}"' for file in files))
    find = find.replace("FUNCTIONS", ", ".join(f'{{"{function}", {int(text)}}}' for function, text in table))
    (out / f"{library}_calls.s").write_text("\n".join(lines))
    (out / f"{library}_find.c").write_text(find)
    objects = []
    for source in [f"{library}_calls.s", f"{library}_find.c"]:
        objects.append(source[:-2] + ".o")
        subprocess.run(["cc", "-O1", "-fPIC", "-c", source, "-o", objects[-1]], cwd=out, check=True)
    (out / f"lib{name}.a").unlink(missing_ok=True)
    subprocess.run(["ar", "rcs", f"lib{name}.a", *objects], cwd=out, check=True)


def main() -> None:
    cudarc, out = (pathlib.Path(argument) for argument in sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    for folder, name, files, code in LIBRARIES:
        table = functions((cudarc / "src" / folder / "sys" / "mod.rs").read_text())
        if len(table) < 10:
            sys.exit(f"lazy.py: {folder}: found {len(table)} functions only; cudarc's sources look different now")
        archive(name, files, code, table, out)
        print(f"lib{name}.a: {len(table)} functions")


main()
