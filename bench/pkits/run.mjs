// npm run bench -- pkits: the cases of NIST's PKITS through our verifier, Node's own means and `openssl verify`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  PKITS_ANCHOR,
  PKITS_DIFFERENCES,
  PKITS_NOW,
  pemOf,
  pkitsCases,
  pkitsEvidence,
  publishedPkits,
  strongPkits,
} from '../../packages/portcullis/test/fixtures/pkits.ts'
import { verifyPkits } from '../../packages/portcullis/test/fixtures/verify-pkits.ts'
import { verifyNaively } from '../limbo/naive.mjs'

const folder = mkdtempSync(join(tmpdir(), 'pkits-'))
const worlds = [
  ['keys of today', strongPkits()],
  ['as published', publishedPkits],
]

/** Node 20 has none of its own. */
function groupBy(all, keyOf) {
  const groups = new Map()
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one])
  return groups
}

const pem = (der) => pemOf(der, 'CERTIFICATE')

function byNode(world, leaf) {
  const { chain } = pkitsEvidence(world, leaf)
  const one = {
    peer_certificate: pem(chain[0]),
    trusted_certs: [pem(world.certificates.get(PKITS_ANCHOR))],
    untrusted_intermediates: chain.slice(1).map(pem),
    validation_kind: 'CLIENT',
  }
  return verifyNaively(one, PKITS_NOW)
}

/** With every list of the suite, deltas and indirect ones too, and at the security level that TLS has here. */
function byOpenSsl(world, leaf) {
  const { chain } = pkitsEvidence(world, leaf)
  const put = (name, text) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }
  const lists = put('lists.pem', [...world.lists.values()].map((der) => pemOf(der, 'X509 CRL')).join(''))
  const args = [
    'verify',
    '-no-CApath',
    '-no-CAstore',
    '-x509_strict',
    '-policy_check',
    '-policy',
    '2.5.29.32.0',
    '-auth_level',
    '2',
  ]
  args.push('-crl_check_all', '-use_deltas', '-extended_crl', '-attime', String(PKITS_NOW / 1_000), '-CRLfile', lists)
  args.push('-CAfile', put('anchor.pem', pem(world.certificates.get(PKITS_ANCHOR))))
  if (chain.length > 1) args.push('-untrusted', put('others.pem', chain.slice(1).map(pem).join('')))
  const { status, stderr } = spawnSync('openssl', [...args, put('leaf.pem', pem(chain[0]))], {
    ...{ timeout: 10_000, encoding: 'utf8' },
  })
  return status === 0 ? '' : (/error \d+ at \d+ depth lookup: ?(.*)/.exec(stderr)?.[1] ?? 'it cannot be read')
}

const results = new Map()
for (const [name, world] of worlds) {
  const found = []
  for (const one of pkitsCases) {
    const ours = await verifyPkits(world, one.leaf, folder)
    const openSslSays = byOpenSsl(world, one.leaf)
    const others = { node: byNode(world, one.leaf), openssl: openSslSays === '', openSslSays }
    found.push({ ...one, ...others, ours: ours === 'accepted', reason: ours })
  }
  results.set(name, found)
}
rmSync(folder, { recursive: true, force: true })

const WHO = [
  ['Portcullis', 'ours'],
  ['node:crypto, as one writes it', 'node'],
  ['openssl verify -x509_strict, with lists, deltas and indirect lists', 'openssl'],
]
const counts = [...results].flatMap(([name, found]) =>
  WHO.map(([who, key]) => {
    const [valid, invalid] = [true, false].map((is) => found.filter(({ isValid }) => isValid === is))
    const good = valid.filter((one) => one[key]).length
    const bad = invalid.filter((one) => !one[key]).length
    return `| ${name} | ${who} | ${good} of ${valid.length} | ${bad} of ${invalid.length} |`
  }),
)
const strong = results.get('keys of today')
const SECTIONS = [
  'signatures',
  'validity',
  'names',
  'basic revocation',
  'self-issued',
  'basic constraints',
  'key usage',
]
SECTIONS.push('policies', 'explicit policy', 'policy mapping', 'inhibited mapping', 'inhibited any policy')
SECTIONS.push('name constraints', 'distribution points', 'delta lists', 'unknown extensions')
const sections = SECTIONS.map((name, at) => {
  const of = strong.filter(({ id }) => id.split('.')[1] === String(at + 1))
  const right = (key) => `${of.filter((one) => one[key] === one.isValid).length} of ${of.length}`
  return `| 4.${at + 1} ${name} | ${right('ours')} | ${right('node')} | ${right('openssl')} |`
})
const whyOf = ({ id }) => PKITS_DIFFERENCES.find(({ ids }) => ids.includes(id))?.why ?? '**not explained**'
const refusedValid = strong.filter(({ isValid, ours }) => isValid && !ours)
const explained = refusedValid.map(
  (one) => `| ${one.id} | ${one.title} | \`${one.reason}\` | ${one.openssl ? 'valid' : 'invalid'} | ${whyOf(one)} |`,
)
const accepted = (key) => strong.filter((one) => !one.isValid && one[key]).map(({ id }) => id)
const listed = (ids) => (ids.length === 0 ? 'none' : ids.join(', '))
const byWord = groupBy(
  strong.filter(({ isValid, openssl }) => isValid && !openssl),
  ({ openSslSays }) => openSslSays,
)
const openSslRefused = [...byWord].map(([word, found]) => `| ${word} | ${found.map(({ id }) => id).join(', ')} |`)
const version = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout?.trim() ?? 'none'
const text = `# PKITS

Written by \`npm run bench -- pkits\`. The certificates and lists are those of NIST's Public Key Interoperability Test Suite of
2003, a work of the United States Government and in the public domain, octet for octet
(\`packages/portcullis/test/vectors/pkits.json\`). They are signed with RSA-1024 and SHA-1, which nobody here believes, so all
are run twice: as published, and with keys of today (P-256, SHA-256; policy constraints critical, as RFC 5280 demands since), where
everything else stands as it was and what was signed wrongly is signed wrongly again. The results are those that PKITS gives for its
default settings. Portcullis has the lists as files and asks \`strict\`; it runs here alone, in the gateway after the platform.
${new Date().toISOString()}; Node ${process.version}, ${version}.

| keys | verifier | valid accepted | invalid refused |
| --- | --- | --- | --- |
${counts.join('\n')}

## By section, with keys of today: as PKITS has it

| section | Portcullis | node:crypto | openssl |
| --- | --- | --- | --- |
${sections.join('\n')}

## Invalid and accepted

Portcullis: ${listed(accepted('ours'))}. OpenSSL: ${listed(accepted('openssl'))}. Node asks for no lists and no policies:
${listed(accepted('node'))}.

## Valid and refused by Portcullis

| case | title | reason | openssl | why |
| --- | --- | --- | --- | --- |
${explained.join('\n')}

## Valid and refused by OpenSSL

| what it says | cases |
| --- | --- |
${openSslRefused.join('\n')}
`
writeFileSync(new URL('../PKITS.md', import.meta.url), text)
console.log(counts.join('\n'))
// An invalid path that we accept, and a valid one that we refuse without saying why, are failures.
process.exit(accepted('ours').length === 0 && refusedValid.every((one) => !whyOf(one).startsWith('**')) ? 0 : 1)
