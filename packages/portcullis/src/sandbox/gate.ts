/**
 * The last step before the command: it tells the gateway that the sandbox stands, and waits for its word.
 *
 * A gateway that dies in between says nothing, the read ends, and the command never runs; from here on the sandbox dies
 * with the gateway by PR_SET_PDEATHSIG. And a sandbox that could not be built is known before the launch resolves.
 */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { DescriptorTable } from './descriptors.ts'
import { ownMark } from './mark.ts'

/** The gate's place in the child's descriptor table: a shell can name descriptors of one digit only. */
export const GATE_DESCRIPTOR = 3

const SCRIPT = `echo ready >&${GATE_DESCRIPTOR} && read -r word <&${GATE_DESCRIPTOR} && exec ${GATE_DESCRIPTOR}>&- && exec "$@"`

/** What goes before the command, inside. The mark is the script's name for itself. */
export const gate = (): readonly string[] => ['/bin/sh', '-c', SCRIPT, ownMark()]

/** Takes the gate's place; it must be the first after standard error. */
export function reserveGate(table: DescriptorTable): void {
  if (table.pipe() !== GATE_DESCRIPTOR) throw new Error('the place of the gate is taken')
}

/** Resolves with true when the sandbox stands, with false when it ended before. */
export async function reachGate(pipe: Duplex): Promise<boolean> {
  const ended = once(pipe, 'close').then(() => false)
  const ready = once(pipe, 'data').then(() => true)
  return Promise.race([ready, ended])
}

/** Lets the command run. */
export function openGate(pipe: Duplex): void {
  pipe.end('go\n')
}
