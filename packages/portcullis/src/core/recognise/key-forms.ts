/**
 * Which texts are private keys, seeds, and what is kept of passwords.
 *
 * Facts: PEM (RFC 7468), JSON Web Keys (RFC 7517, RFC 7518 section 6), the files of PuTTY, age and WireGuard, BIP 32 and BIP 39, NIP-19,
 * `crypt(5)`, Django "Password management", Cisco "Password types 8 and 9", Kerberos pre-authentication (RFC 4120 section 5).
 */
import { entropy } from './secret-checks.ts'
import { form, hint, type SecretRule, token } from './secret-rule.ts'

const isKeyPart = (text: string): boolean => entropy(text) >= 4
/** The private members of a key that says its type, before or behind them. */
const JWK_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']
const JWK_VALUE = String.raw`\s{0,4}:\s{0,4}"(?<secret>[A-Za-z0-9_-]{22,1400})"`
const HASH_END = String.raw`(?![./A-Za-z0-9])`
const hash = (signs: readonly string[], source: string): SecretRule =>
  form('password-hash', signs, new RegExp(source + HASH_END, 'g'), 'hint')

// biome-ignore format: one form a row
export const KEY_FORMS: readonly SecretRule[] = [
  form('private-key', ['-----begin '], /-----BEGIN (?:OpenVPN Static key V1|(?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?)-----(?:[^-]|-(?!----)){40,16384}(?:-----END [A-Za-z0-9 ]{0,40}(?:PRIVATE KEY(?: BLOCK)?|V1)-----)?/g),
  form('private-key', ['---- begin ssh2 '], /---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----(?:[^-]|-(?!---)){40,16384}(?:---- END SSH2 ENCRYPTED PRIVATE KEY ----)?/g),
  form('putty-key', ['private-lines:'], /Private-Lines: {0,3}\d{1,3}\s{1,2}(?<secret>(?:[A-Za-z0-9+/=]{4,76}\s{0,2}){1,120})/g),
  token('age-key', 'AGE-SECRET-KEY-1', '[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}', ['age-secret-key-1']),
  hint('encoded-key', ['ls0tls1crudjti'], /LS0tLS1CRUdJTiB(?:QUklW|QR1AgUFJJ|[SFPE])[A-Za-z0-9+/]{40,16000}={0,2}/g),
  ...JWK_MEMBERS.map((name) => hint('jwk', [`"${name}"`], new RegExp(`"${name}"${JWK_VALUE}(?=[^{}]{0,3000}"kty")`, 'g'), isKeyPart)),
  ...JWK_MEMBERS.map((name) => hint('jwk', ['"kty"'], new RegExp(`"kty"[^{}]{0,3000}?"${name}"${JWK_VALUE}`, 'g'), isKeyPart)),
  form('wireguard', ['privatekey', 'presharedkey'], /\b(?:PrivateKey|PresharedKey)\s{0,4}=\s{0,4}(?<secret>[A-Za-z0-9+/]{43}=)/g, 'hint'),
  token('wallet-key', '[xyzt]prv', '[1-9A-HJ-NP-Za-km-z]{107,108}', ['xprv', 'yprv', 'zprv', 'tprv']),
  token('nostr', 'nsec1', '[02-9ac-hj-np-z]{58}', ['nsec1']),
  form('mnemonic', ['mnemonic', 'seed', 'recovery'], /(?:mnemonic|seed[ _-]?(?:phrase|words)|recovery[ _-]?phrase)(?:[ _-]?(?:is|are))?["'\s:=]{1,10}(?<secret>(?:[a-z]{3,8}[ \t]{1,2}){11,23}[a-z]{3,8})\b/gi, 'hint'),
  form('password-hash', ['$2'], /\$2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}(?![/A-Za-z0-9])/g, 'hint'),
  hash(['$argon2'], String.raw`\$argon2(?:id?|d)\$v=\d{1,3}\$[a-z0-9=,]{5,60}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,128}`),
  hash(['$1$', '$5$', '$6$', '$apr1$'], String.raw`\$(?:[156]|apr1)\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{22,86}`),
  hash(['$y$'], String.raw`\$y\$[./A-Za-z0-9]{3,12}\$[./A-Za-z0-9]{8,86}\$[./A-Za-z0-9]{43}`),
  hash(['$8$', '$9$'], String.raw`\$[89]\$[./A-Za-z0-9]{14}\$[./A-Za-z0-9]{43}`),
  hash(['$p$', '$h$', '$s$'], String.raw`\$(?:[PH]\$[./A-Za-z0-9]{31}|S\$[./A-Za-z0-9]{52})`),
  hash(['$pbkdf2', 'pbkdf2_sha', '$scrypt$', 'scrypt$'], String.raw`(?:\$pbkdf2(?:-sha\d{1,3})?|pbkdf2_sha\d{1,3}|\$?scrypt)\$[\w=,]{1,40}(?:\$[\w.+/=-]{4,100}){1,4}`),
  hash(['{ssha', '{sha', '{smd5', '{crypt}'], String.raw`\{(?:SSHA(?:\d{3})?|SHA(?:\d{3})?|SMD5|CRYPT)\}[A-Za-z0-9+/$.]{20,140}={0,2}`),
  hash(['aad3b435b51404ee'], String.raw`(?:aad3b435b51404ee){2}:[0-9a-fA-F]{32}`),
  form('kerberos', ['$krb5'], /\$krb5(?:asrep|tgs|pa)\$\d{1,2}\$[\w$*.:\\@/-]{40,4000}/g, 'hint'),
]
