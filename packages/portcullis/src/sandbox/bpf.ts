/**
 * A tiny assembler for classic BPF as seccomp(2) takes it, so that no native library has to be loaded.
 *
 * Blocks are plain arrays. A condition takes a body that always returns, and falls through to what follows it.
 */

export interface Instruction {
  readonly opcode: number
  /** Instructions to skip when the comparison holds, and when it does not. */
  readonly jumpTrue: number
  readonly jumpFalse: number
  readonly operand: number
}

export type Block = readonly Instruction[]

/** Opcodes of `linux/bpf_common.h` that a filter here may contain. */
export const OPCODE = {
  load: 0x20, // BPF_LD | BPF_W | BPF_ABS
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  jumpAlways: 0x05, // BPF_JMP | BPF_JA
  jumpEqual: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  jumpAtLeast: 0x35, // BPF_JMP | BPF_JGE | BPF_K
  jumpAnyBit: 0x45, // BPF_JMP | BPF_JSET | BPF_K
  return: 0x06, // BPF_RET | BPF_K
} as const

/** Offsets into `struct seccomp_data`. */
export const SYSCALL_NUMBER = 0
export const ARCHITECTURE = 4

/** Offset of the low 32 bits of argument `index`; both supported architectures are little-endian. */
export const argument = (index: number) => 16 + 8 * index

const MAX_JUMP = 255
const MAX_INSTRUCTIONS = 4096 // BPF_MAXINSNS

export const load = (offset: number): Block => [plain(OPCODE.load, offset)]
export const and = (mask: number): Block => [plain(OPCODE.and, mask)]
export const returns = (action: number): Block => [plain(OPCODE.return, action)]

export const whenEqual = (value: number, body: Block): Block => conditional(OPCODE.jumpEqual, value, body)
export const whenAnyBit = (mask: number, body: Block): Block => conditional(OPCODE.jumpAnyBit, mask, body)
export const whenAtLeast = (value: number, body: Block): Block => conditional(OPCODE.jumpAtLeast, value, body)

export function whenNotEqual(value: number, body: Block): Block {
  if (body.length > MAX_JUMP) throw new RangeError('BPF jump too long')
  return [{ opcode: OPCODE.jumpEqual, jumpTrue: body.length, jumpFalse: 0, operand: value }, ...body]
}

/** Goes to `high` when the accumulator is at least `value`, else to `low`. Both must return. */
export function branchAtLeast(value: number, low: Block, high: Block): Block {
  if (low.length <= MAX_JUMP) {
    return [{ opcode: OPCODE.jumpAtLeast, jumpTrue: low.length, jumpFalse: 0, operand: value }, ...low, ...high]
  }
  const far: Block = [
    { opcode: OPCODE.jumpAtLeast, jumpTrue: 0, jumpFalse: 1, operand: value },
    plain(OPCODE.jumpAlways, low.length),
  ]
  return [...far, ...low, ...high]
}

/** The bytes of `struct sock_filter[]`. Throws RangeError beyond the kernel's limit. */
export function assemble(program: Block): Buffer {
  if (program.length > MAX_INSTRUCTIONS) throw new RangeError('BPF program too long')
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, instruction] of program.entries()) {
    bytes.writeUInt16LE(instruction.opcode, index * 8)
    bytes.writeUInt8(instruction.jumpTrue, index * 8 + 2)
    bytes.writeUInt8(instruction.jumpFalse, index * 8 + 3)
    bytes.writeUInt32LE(instruction.operand >>> 0, index * 8 + 4)
  }
  return bytes
}

function plain(opcode: number, operand: number): Instruction {
  return { opcode, jumpTrue: 0, jumpFalse: 0, operand }
}

function conditional(opcode: number, operand: number, body: Block): Block {
  if (body.length > MAX_JUMP) throw new RangeError('BPF jump too long')
  return [{ opcode, jumpTrue: 0, jumpFalse: body.length, operand }, ...body]
}
