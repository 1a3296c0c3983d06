# A stdio server of 2026-07-28 that serves, and that ends, hangs, floods, forks, fills and eats when it is told to.
use strict;
use warnings;
use POSIX ();
$| = 1;
my $mark = shift;      # found in the command line of everything that this starts
my $folder = shift;    # writable, or nothing
my @kept;

my %do = (
  echo    => sub { "echo" },
  touch   => sub { open(my $f, '>', ($folder || '/tmp') . '/' . int(rand(50))) or return "refused: $!"; print $f "x" x 1000; "touched" },
  look    => sub { open(my $f, '<', '/etc/shadow') ? "BREACH" : "refused: $!" },
  reach   => sub { require IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 3128, Timeout => 2) or return "refused";
                   print $s "GET http://soak.test/ HTTP/1.1\r\nHost: soak.test\r\nConnection: close\r\n\r\n"; my $line = <$s> // ''; "answered" },
  die     => sub { POSIX::_exit(7) },
  abort   => sub { kill 'ABRT', $$; sleep 60 },
  hang    => sub { sleep 600 },
  fork    => sub { for (1 .. 3) { my $p = fork() // return "refused: $!"; next if $p; POSIX::setsid(); open(STDOUT, '>', '/dev/null'); $SIG{TERM} = $SIG{HUP} = 'IGNORE'; sleep 600; POSIX::_exit(0) } "forked" },
  flood   => sub { my $part = "x" x 65536; print $part for 1 .. 4000; "flooded" },
  lines   => sub { print "not json\n" for 1 .. 20000; "said" },
  garbage => sub { print "this is no JSON\n"; "said" },
  half    => sub { print '{"jsonrpc":"2.0","id":'; sleep 600 },
  errors  => sub { my $part = "e" x 65536; print STDERR $part for 1 .. 200; "said" },
  fill    => sub { my $n = 0; for (1 .. 400) { open(my $f, '>', ($folder || '/tmp') . "/fill-$_") or last; print $f "x" x 65536 or last; $n++ } unlink glob(($folder || '/tmp') . '/fill-*'); "filled $n" },
  eat     => sub { my $n = 20_000_000; push @kept, "x" x $n while 1 },
  deaf    => sub { close(STDIN); sleep 600 },
  mute    => sub { close(STDOUT); sleep 600 },
);

my $base = '"resultType":"complete","ttlMs":60000,"cacheScope":"private"';
my $tools = join ',', map { qq({"name":"do_$_","inputSchema":{"type":"object"}}) } sort keys %do;
my %known = (
  'server/discover' => qq({$base,"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}),
  'tools/list'      => qq({$base,"tools":[$tools]}),
);

while (my $line = <STDIN>) {
  my ($id) = $line =~ /"id":("[^"]*"|\d+)/ or next;
  my ($method) = $line =~ /"method":"([^"]+)"/ or next;
  if ($method eq 'tools/call' and $line =~ /"name":"do_(\w+)"/ and $do{$1}) {
    my $text = $do{$1}->();
    print qq({"jsonrpc":"2.0","id":$id,"result":{$base,"content":[{"type":"text","text":"$text"}]}}\n);
  }
  elsif ($known{$method}) { print qq({"jsonrpc":"2.0","id":$id,"result":$known{$method}}\n) }
  else { print qq({"jsonrpc":"2.0","id":$id,"error":{"code":-32601,"message":"Method not found"}}\n) }
}
