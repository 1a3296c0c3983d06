import type { Secret } from '../core/secret.ts'

/**
 * What a confined command may reach beyond its walls, and what is reported of its tries.
 *
 * Rules come from the configuration; reports go to the audit trail of the upstream, with the call that was running.
 */

/** Hosts that may be reached. Everything else is refused, and so is every name that the rules do not match. */
export interface NetworkAccess {
  /**
   * `transparent`: names are answered and connections taken inside the sandbox, so that programs that know no proxy work;
   * the proxy is there as well. `explicit`: the proxy only, announced in the usual variables.
   */
  readonly mode: 'explicit' | 'transparent'
  readonly allow: readonly NetworkRule[]
  /** Sent and received by all connections from start to end; what exceeds it is cut off. */
  readonly maxBytes: number
  /** Open at the same time; one more is refused. */
  readonly maxConnections: number
  readonly connectTimeoutMs: number
  /** Without a byte in either direction. */
  readonly idleTimeoutMs: number
  /** Of this one launch. A rule that opens TLS cannot do without it. */
  readonly authority?: TlsAuthority
}

/** Signs for the hosts that the egress stands in for. Its key exists in memory only and ends with the launch. */
export interface TlsAuthority {
  /** PEM; what the command is made to trust. */
  readonly certificate: string
  /** A certificate for one host name, and its key, both PEM. */
  mintLeaf(host: string): Promise<{ readonly certificate: string; readonly key: string }>
}

export interface NetworkRule {
  /** Lower case host name, or `*.` and at least two labels, which matches names below but not the name itself. */
  readonly host: string
  readonly ports: readonly number[]
  /** Methods of plain HTTP and of opened TLS; undefined: all. A tunnel that is not opened cannot be limited by method. */
  readonly methods?: readonly string[]
  /** Lets the name resolve to private or loopback addresses. Spelled in the configuration by its own word. */
  readonly privateAddresses?: boolean
  /** Put into each request by the egress; the command never sees it. */
  readonly inject?: InjectedHeader
  /** Opens TLS with a certificate of the sandbox's own authority, so that methods and injection apply to https too. */
  readonly openTls?: boolean
}

export interface InjectedHeader {
  readonly name: string
  readonly value: Secret
}

/** One thing that a confined command did, or was refused. Paths and hosts, never content. */
export type Access = EgressAccess | FileAccess | RefusedAccess

export interface EgressAccess {
  readonly kind: 'egress'
  readonly allowed: boolean
  /** As it was asked for; bounded and free of control characters. */
  readonly host: string
  readonly port: number
  readonly protocol: 'http' | 'connect' | 'socks' | 'transparent' | 'dns'
  /** The checked address that was dialled. */
  readonly address?: string
  /** Why it was refused or cut off, such as `not-allowed`, `address`, `sni`, `method`, `quota`. */
  readonly reason?: string
  readonly sentBytes?: number
  readonly receivedBytes?: number
  readonly durationMs?: number
}

export interface FileAccess {
  readonly kind: 'file'
  readonly change: 'created' | 'changed' | 'removed'
  readonly path: string
  readonly bytes?: number
  /** SHA-256, hex, of small files. */
  readonly digest?: string
}

/** A wall that was met and that the kernel or the gateway lets us see. */
export interface RefusedAccess {
  readonly kind: 'refused'
  readonly wall: 'memory' | 'processes' | 'disk' | 'output' | 'system-call' | 'file'
  /** Safe for the audit trail: which limit, which path, which call. */
  readonly what: string
  /** It was met at some time in the last so many milliseconds. Absent: just now. */
  readonly withinMs?: number
}

export type OnAccess = (access: Access) => void

/** What a process tree has used from start to now; undefined where the host does not tell. */
export interface Usage {
  readonly cpuMs?: number
  readonly memoryBytes?: number
  readonly peakMemoryBytes?: number
  readonly processes?: number
  /** In the writable folders, when they are watched. */
  readonly diskBytes?: number
  readonly diskFiles?: number
  readonly outputBytes: number
  readonly sentBytes: number
  readonly receivedBytes: number
}
