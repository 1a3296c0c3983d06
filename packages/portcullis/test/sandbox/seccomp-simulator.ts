/** Runs a classic BPF filter as the kernel does, so that the policy can be tested for every architecture without one. */
import { OPCODE } from '../../src/sandbox/bpf.ts'

export interface SystemCall {
  /** AUDIT_ARCH_* */
  readonly architecture: number
  readonly number: number
  readonly args?: readonly bigint[]
}

/** The 32-bit action that the filter returns. Throws on an opcode that it should not contain, and on running off the end. */
export function simulate(filter: Buffer, call: SystemCall): number {
  const data = encode(call)
  let accumulator = 0
  for (let at = 0; at < filter.length; at += 8) {
    const operand = filter.readUInt32LE(at + 4)
    const jump = (holds: boolean) => {
      at += filter.readUInt8(at + (holds ? 2 : 3)) * 8
    }
    switch (filter.readUInt16LE(at)) {
      case OPCODE.load:
        accumulator = data.readUInt32LE(operand)
        break
      case OPCODE.and:
        accumulator = (accumulator & operand) >>> 0
        break
      case OPCODE.jumpAlways:
        at += operand * 8
        break
      case OPCODE.jumpEqual:
        jump(accumulator === operand)
        break
      case OPCODE.jumpAtLeast:
        jump(accumulator >= operand)
        break
      case OPCODE.jumpAnyBit:
        jump((accumulator & operand) !== 0)
        break
      case OPCODE.return:
        return operand
      default:
        throw new Error(`opcode at ${at}`)
    }
  }
  throw new Error('the filter ran off its end')
}

/** `struct seccomp_data`: number, architecture, instruction pointer, six arguments. */
function encode({ architecture, number, args = [] }: SystemCall): Buffer {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(architecture, 4)
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * index)
  return data
}
