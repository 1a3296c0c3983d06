/**
 * How a network namespace comes to be: bubblewrap makes it, with a loopback interface and nothing else, and a short run
 * of Node opens listeners in it and hands them over. A socket belongs to the namespace that it was made in for ever, so
 * the gateway accepts what the sandbox connects to without a process, a port or a file of its own in between.
 */
import { ownMark } from '../mark.ts'
import { type NetworkShape, STAND_IN_RANGE } from './shape.ts'

export interface OpenerTools {
  readonly bwrap: string
  readonly sh: string
  /** Absolute path of the running Node. */
  readonly node: string
  /** ip(8) of iproute2 or busybox; only transparent mode needs it. */
  readonly ip: string | undefined
}

/** What the opener sends, each with its handle; `ready` comes last and without one. */
export type OpenerMessage =
  | { readonly opened: 'proxy' | 'transparent'; readonly port: number }
  | { readonly opened: 'names' }
  | { readonly opened: 'ready'; readonly pid: number }

/** Connections that wait to be accepted; more than any limit of connections. */
const BACKLOG = 512

/**
 * Plain CommonJS for `node --eval`, so that it needs no file and no stripping of types. It ends with its standard input,
 * and so with the gateway: an end of the channel alone goes unheard while a handle waits to be acknowledged.
 */
const SCRIPT = `
const { createServer } = require('node:net')
const { createSocket } = require('node:dgram')
const { proxyPort, transparentPorts } = JSON.parse(process.argv[1])
process.stdin.on('close', () => process.exit()).resume()
const send = (message, handle) =>
  new Promise((resolve, reject) => process.send(message, handle, (problem) => (problem ? reject(problem) : resolve())))
const listen = async (opened, host, port) => {
  const server = createServer()
  await new Promise((resolve, reject) => server.on('error', reject).listen({ host, port, backlog: ${BACKLOG} }, resolve))
  await send({ opened, port }, server)
}
const names = async () => {
  const socket = createSocket('udp4')
  await new Promise((resolve, reject) => socket.on('error', reject).bind(53, '127.0.0.1', resolve))
  await send({ opened: 'names' }, socket)
}
const open = async () => {
  await listen('proxy', '127.0.0.1', proxyPort)
  for (const port of transparentPorts ?? []) await listen('transparent', '0.0.0.0', port)
  if (transparentPorts !== undefined) await names()
  await send({ opened: 'ready', pid: process.pid })
}
open().catch((problem) => {
  process.stderr.write(problem.message)
  process.exit(1)
})
`

/** The program and its arguments. `privileged`: the gateway is root, and the namespace belongs to the host's user namespace. */
export function openerCommand(shape: NetworkShape, tools: OpenerTools, privileged: boolean): readonly string[] {
  const node = [tools.node, '--eval', SCRIPT, JSON.stringify(shape), ownMark()]
  const making = namespaceCommand(tools.bwrap, privileged)
  return shape.transparentPorts === undefined ? [...making, ...node] : [...making, ...withStandIns(tools, node)]
}

/**
 * What goes before a command that shall run in a new network namespace, with the rights to set it up and to take ports
 * below 1024. It keeps the files of the host: it is the gateway's own. Without root, the rights are those of a new user
 * namespace, which sandboxes then enter too.
 */
export function namespaceCommand(bwrap: string, privileged: boolean): readonly string[] {
  const rights = ['--unshare-user', '--uid', '0', '--gid', '0', '--cap-add', 'ALL']
  return [bwrap, '--unshare-net', ...(privileged ? [] : rights), '--die-with-parent', '--dev-bind', '/', '/', '--']
}

/** Takes every address that stands for a name as one of this namespace's own (ip-route(8), type `local`), then runs `command`. */
export function withStandIns({ sh, ip = 'ip' }: OpenerTools, command: readonly string[]): readonly string[] {
  const script = `"$0" route add local ${STAND_IN_RANGE} dev lo && exec "$@"`
  return [sh, '-c', script, ip, ...command]
}
