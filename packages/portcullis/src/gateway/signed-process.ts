/** Decides what a process is told and believed where messages to it are signed: over stdio each message carries its own signature. */
import { type Message, isRecord } from '../mcp/message.ts'
import { writeJson } from '../mcp/write-json.ts'
import { MessagePeer, type PeerRules } from '../signatures/message-peer.ts'
import { SignatureProblem } from '../signatures/problem.ts'
import type { LineProcess } from '../upstream/stdio-process.ts'
import { checkingParse, explained } from './signed-sender.ts'

/** The same process, whose messages are signed and checked. */
export function signedProcess(process: LineProcess, rules: PeerRules): LineProcess {
  const peer = new MessagePeer(rules)
  const check = (value: unknown): unknown => {
    if (!isRecord(value)) throw new SignatureProblem('no message')
    return peer.check(value)
  }
  return {
    send: (line) => process.send(line),
    onDrain: (listener) => process.onDrain(listener),
    onLine: (listener) => process.onLine(listener),
    pause: () => process.pause?.(),
    resume: () => process.resume?.(),
    exited: process.exited,
    stop: (graceMs) => process.stop(graceMs),
    ...(process.calls && { calls: process.calls }),
    writes(message: Message) {
      const signed = peer.sign(message)
      return signed instanceof Promise ? signed.then(writeJson) : writeJson(signed)
    },
    reads: (parse) => checkingParse(parse, (value) => explained(() => check(value))),
  }
}
