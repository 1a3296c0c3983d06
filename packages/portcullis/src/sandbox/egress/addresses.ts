/**
 * Decides which addresses may be dialled for a name that is allowed, because whoever owns the name chooses the address.
 *
 * Networks for documentation and of the internet's own services stay open: nothing of value is there, and some networks route
 * the former to services of their own.
 */
import { isIP } from 'node:net'
import { addressKind, networksOf } from '../../core/special-addresses.ts'

/**
 * `public` may be dialled. `private` only where a rule says so. `guarded` never, although it looks private: link-local
 * addresses and the metadata services of clouds hand out credentials. `never` is no place, or a way around the others.
 */
export type AddressClass = 'public' | 'private' | 'guarded' | 'never'

/** `own`: addresses of this host's interfaces, which are private whatever they look like. */
export function classify(address: string, own: readonly string[]): AddressClass {
  const kind = addressKind(address)
  if (kind === 'private' || kind === 'guarded' || kind === 'never') return kind
  return isOwn(address, own) ? 'private' : 'public'
}

/** Compared as numbers: an IPv6 address has many spellings. */
function isOwn(address: string, own: readonly string[]): boolean {
  const family = isIP(address)
  const same = own.filter((each) => isIP(each) === family).map(withoutZone)
  return same.length > 0 && networksOf(same).check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function withoutZone(address: string): string {
  return address.split('%')[0] ?? ''
}
