/** Attacks on the wall around the network, by a server that may reach nothing. */
import { type Attack, behind, call, numberOf, perl, shell } from '../attack.ts'

const DEPENDS = { outside: 'depends' } as const

/** A connection that is refused has reached somebody; what has no route has not. */
const connectTo = (address: string, port: string) =>
  `use IO::Socket::INET; IO::Socket::INET->new(PeerAddr => ${address}, PeerPort => ${port}, Timeout => 3)`

/** Connecting a datagram socket only asks for a route; nothing is sent. */
const routeTo = (address: string) =>
  `use Socket; my $s; socket($s, AF_INET, SOCK_DGRAM, 0) and connect($s, sockaddr_in(53, inet_aton("${address}")))`

const routeTo6 = (address: string) =>
  `use Socket; my $s; socket($s, AF_INET6, SOCK_DGRAM, 0) and connect($s, Socket::pack_sockaddr_in6(53, Socket::inet_pton(AF_INET6, "${address}")))`

const unixTo = (path: string) =>
  `use Socket; my $s; socket($s, AF_UNIX, SOCK_STREAM, 0) and connect($s, sockaddr_un(${path}))`

const OWN_ADDRESS = `
  use Socket; my $at = $ENV{HOST_ADDRESS} or die; my $s; socket($s, AF_INET, SOCK_STREAM, 0);
  connect($s, sockaddr_in(9, inet_aton($at))) or $!{ECONNREFUSED}`

const NAME_SERVERS = `
  use Socket; open(my $f, "<", "/etc/resolv.conf") or die;
  grep { /^nameserver\\s+([\\d.]+)/ and do { my $s; socket($s, AF_INET, SOCK_DGRAM, 0) and connect($s, sockaddr_in(53, inet_aton($1))) } } <$f>`

/** Sets a link up that does not exist: without the right to, the kernel says EPERM before it looks. */
const LINKS = `
  my $s; socket($s, 16, 3, 0) or die;
  send($s, pack("LSSLL CxSiLL", 32, 19, 5, 1, 0, 0, 0, 2147483646, 1, 1), 0);
  recv($s, my $answer, 4096, 0); my (undef, $type, undef, undef, undef, $error) = unpack("LSSLLl", $answer);
  $type != 2 or $error != -1`

const SENT_DESCRIPTOR = `use Socket; my ($one, $other); socketpair($one, $other, AF_UNIX, SOCK_DGRAM, 0) and connect($one, sockaddr_un("$ENV{WORKSPACE}/daemon.sock"))`

const PLACES =
  '/run/docker.sock /var/run/docker.sock /run/podman/podman.sock /run/containerd/containerd.sock /run/dbus/system_bus_socket /run/systemd/private /tmp/.X11-unix /run/user /run/WSL /run/snapd.socket /var/lib/sss/pipes/nss'
const VARIABLES = 'SSH_AUTH_SOCK|DBUS_|DISPLAY|WAYLAND|XDG_RUNTIME|GPG_AGENT|WSL_INTEROP|DOCKER_HOST'

// biome-ignore format: one attack a row
export const NETWORK_ATTACKS: readonly Attack[] = behind('network', [
  perl('N01', 'has a route to the metadata service of a cloud', routeTo('169.254.169.254'), DEPENDS),
  perl('N02', 'connects to a listener on loopback of the host', connectTo('"127.0.0.1"', '$ENV{LOOPBACK_PORT}')),
  perl('N05', 'reaches an address of the host', OWN_ADDRESS, DEPENDS),
  perl('N06.out', 'has a route by IPv6', routeTo6('2001:db8::1'), DEPENDS),
  perl('N06.local', 'has a route to neighbours by IPv6', routeTo6('ff02::1'), DEPENDS),
  perl('N07.name-servers', 'has a route to the name servers of the host', NAME_SERVERS, DEPENDS),
  perl('N07.public', 'has a route to a public name server', routeTo('8.8.8.8'), DEPENDS),
  shell('N08', 'asks for the address of a name', 'getent ahosts portcullis.invalid || getent ahosts "$(uname -n).local"', DEPENDS),
  perl('N13', 'connects to an abstract socket of the host', unixTo('"\\0$ENV{ABSTRACT_NAME}"')),
  perl('N14', 'connects to a daemon through the workspace', unixTo('"$ENV{WORKSPACE}/daemon.sock"')),
  shell('N15.files', 'finds the sockets of daemons', `( for path in ${PLACES}; do [ -e "$path" ] && exit 0; done; exit 1 )`, DEPENDS),
  shell('N15.variables', 'is told where daemons listen', `env | grep -Eq "^(${VARIABLES})"`, DEPENDS),
  call('N19', 'opens a Unix socket', 'socket', '1, 1, 0', { errnos: [1, 93, 97] }),
  perl('N20', 'reaches a daemon with one end of a pair of sockets', SENT_DESCRIPTOR, DEPENDS),
  shell('N21', 'sees the network interfaces of the host', 'grep : /proc/net/dev | grep -qv "^ *lo:"', DEPENDS),
  shell('N22', 'sees who listens on the host', 'grep -qi "$(printf ":%04X 00000000" "$LOOPBACK_PORT")" /proc/net/tcp || grep -q "$ABSTRACT_NAME" /proc/net/unix'),
  perl('N23', 'changes a network link', LINKS),
  perl('N24.broadcast', 'has a route to its neighbours', `use Socket; my $s; socket($s, AF_INET, SOCK_DGRAM, 0); setsockopt($s, SOL_SOCKET, SO_BROADCAST, 1); connect($s, sockaddr_in(9, inet_aton("255.255.255.255")))`, DEPENDS),
  perl('N24.multicast', 'has a route to groups', routeTo('239.255.255.250'), DEPENDS),
  perl('N25', 'gives a socket a mark that routes it past rules', `use Socket; my $s; socket($s, AF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, 36, 1)`),
  perl('N26', 'binds an address that is not its own', `use Socket; my $s; socket($s, AF_INET, SOCK_DGRAM, 0); setsockopt($s, 0, 19, 1)`),
  call('N27', 'opens a transparent packet filter', 'socket', '16, 3, 6', { errnos: [1, 93, 97], outside: 'depends' }),
  perl('N28', 'becomes the gateway of its network', `sc(${numberOf('prctl')}, 41, 1, 0, 0, 0) == 0 and open(my $f, "+<", "/proc/sys/net/ipv4/ip_forward")`, DEPENDS),
])
