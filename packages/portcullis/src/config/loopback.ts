/** Which host names stay on this machine. `localhost` is reserved for that (RFC 6761 §6.3). */
export function isLoopback(host: unknown): boolean {
  if (typeof host !== 'string') return false
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
}
