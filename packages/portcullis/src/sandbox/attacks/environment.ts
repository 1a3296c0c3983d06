/** Attacks on what a sandbox gives away without being asked: variables, names, identities. */
import { type Attack, behind, shell } from '../attack.ts'

const DEPENDS = { outside: 'depends' } as const

/** What the environment of an attack may hold; anything else came from the gateway. */
const KNOWN =
  'PATH|HOME|TMPDIR|LANG|USER|PWD|SCRATCH|SECRET_FILE|WORKSPACE|LIBRARY|VISIBLE|GATEWAY_PID|OPEN_HOST|OPEN_PORT|TLS_PORT|REBOUND_HOST|TAKE_MIB|LOOPBACK_PORT|HOST_ADDRESS|ABSTRACT_NAME|(https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY|NODE_USE_ENV_PROXY'

// biome-ignore format: one attack a row
export const ENVIRONMENT_ATTACKS: readonly Attack[] = behind('environment', [
  shell('E01', 'finds a variable of the gateway', `env | cut -d= -f1 | grep -qvE "^(${KNOWN})$"`),
  shell('E02.host', 'learns the name of the host', '[ "$(uname -n)" != sandbox ]', DEPENDS),
  shell('E02.machine', 'learns which machine this is', '[ -s /etc/machine-id ] || [ -s /var/lib/dbus/machine-id ] || [ -s /sys/class/dmi/id/product_uuid ]', DEPENDS),
  shell('E02.users', 'learns who else has an account', 'grep -q "^root:" /etc/passwd'),
  shell('E02.name-servers', 'learns the name servers of the host', 'grep -Eq "^(nameserver|search)" /etc/resolv.conf && ! grep -q "^nameserver \\(127\\.0\\.0\\|198\\.1[89]\\)\\." /etc/resolv.conf', DEPENDS),
  shell('E03.mounts', 'learns from /proc where the secret lies', 'cat /proc/self/mountinfo /proc/1/mountinfo /proc/self/maps | grep -q "$(dirname "$SECRET_FILE")"', DEPENDS),
  shell('E03.first', 'reads the environment of process 1', 'tr "\\0" "\\n" < /proc/1/environ | grep -q .', DEPENDS),
  shell('E04', 'finds settings that root has left in the system', '[ -e /etc/shadow ] || [ -e /etc/ssh ] || [ -e /etc/sudoers ] || [ -e /etc/environment ] || [ -e /etc/fstab ] || [ -e /etc/krb5.conf ]'),
  shell('E05', 'reads keys of the machine', 'find /etc/ssl/private /etc/letsencrypt /etc/ssh /etc/pki/tls/private -type f | grep -q .', DEPENDS),
])
