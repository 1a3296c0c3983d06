// `openssl verify` with the purpose, the name and the time of the case.
import { join } from 'node:path'

export function verifyByOpenSsl(one, now, folder, { spawnSync, writeFileSync }) {
  const put = (name, texts) => {
    const file = join(folder, name)
    writeFileSync(file, texts.join('\n'))
    return file
  }
  const purpose = one.validation_kind === 'SERVER' ? 'sslserver' : 'sslclient'
  const args = [
    'verify',
    '-no-CApath',
    '-no-CAstore',
    '-x509_strict',
    '-purpose',
    purpose,
    '-attime',
    String(Math.floor(now / 1000)),
  ]
  args.push('-CAfile', put('anchors.pem', one.trusted_certs))
  if (one.untrusted_intermediates.length > 0) args.push('-untrusted', put('others.pem', one.untrusted_intermediates))
  if (one.max_chain_depth !== null) args.push('-verify_depth', String(one.max_chain_depth))
  if (one.crls?.length > 0) args.push('-crl_check', '-CRLfile', put('lists.pem', one.crls))
  const name = one.validation_kind === 'SERVER' ? one.expected_peer_name : undefined
  if (name) args.push(name.kind === 'IP' ? '-verify_ip' : '-verify_hostname', name.value)
  args.push(put('leaf.pem', [one.peer_certificate]))
  const { status } = spawnSync('openssl', args, { encoding: 'utf8', timeout: 10_000 })
  return status === 0
}
