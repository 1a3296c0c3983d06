/**
 * Decides which words are names of programs. Names that are words of English too prove less: they need arguments that only a
 * command has. Names of common programs are facts; the division is ours.
 */

/** No word of any prose. */
const PLAIN = [
  'adduser ansible ansible-config ansible-console ansible-doc ansible-galaxy ansible-inventory ansible-playbook ansible-pull',
  'ansible-vault apt apt-get aptitude arp ash aws awk base32 base64 bash bcdboot bitsadmin bsdtar bunzip2 busybox bzcat bzip2 c89 c99',
  'certutil chattr chef-client chef-run chef-shell chef-vault chmod chown chroot cmd.exe cpulimit crontab cscli cscript csh curl dash',
  'dirb dmesg dnf docker doas dpkg echo. egrep emacs esxcli ethtool fgrep findstr fsutil ftp fuser gawk gcc gdb getent gimp git gpg',
  'groupadd gunzip gzip hexdump hostnamectl htop iconv icacls iex ifconfig insmod iotop ipconfig iptables irb iwmi iwr jjs jq kinit',
  'ksh kubectl lastlog lastlogin ldapsearch ldd logname ls lsb_release lscpu lsmod lsof ltrace ll lwp-download lwp-request lynx masscan',
  'mawk mkdir mkfifo mkfs mknod mksh msfconsole mshta msiexec mtr mysql mysqldump nano nawk nc ncat netcat netsh netstat nltest nmap',
  'node nohup npm npx nslookup openssl passwd perl pg_dump pgrep php pidof pip pip3 pipx pkexec pkill podman powershell powershell.exe',
  'printenv ps psexec psql pwd pwsh py pypy python python2 python3 pytho regedit regsvr32 rmdir rmt rmt-dump rmt-tar rpm rsync ruby',
  'rundll32 schtasks scp sed setsid sftp sh socat sqlite3 ssh ssh-copy-id ssh-keygen sshpass strace stty su sudo sysctl systemctl systeminfo',
  'taskkill tasklist tcpdump tcsh tclsh telnet tftp timedatectl traceroute tshark uconv umount uname unxz unzip useradd userdel usermod',
  'vbscript vi vim vimdiff visudo vssadmin wevtutil wget whoami whois wmic wscript xargs xxd xz xzcat yum zcat zgrep zip zless zsh zstd',
  'zstdcat zypper mysqladmin redis-cli mongo mongosh aa-disable aa-enforce hostid ipcs kmod llvm pax phpinfo pinky rlwrap',
  'runas sqlmap tac unlink whereis calc.exe notepad.exe net.exe reg.exe sc.exe rcp rlogin lp flock mtn getfacl setfacl losetup',
  'reboot halt usleep waitfor bcdedit gci gcm cmdkey getmac certreq nbtstat pathping qwinsta md5sum sha1sum sha256sum nproc compgen driverquery gpresult',
  'robocopy xcopy takeown gpupdate klist openfiles qprocess quser setx sfc tracert tskill typeperf tzutil w32tm winrm winrs gps gsv',
  'gwmi saps sls spps icm diskpart rasdial',
  'attrib',
  'aria2c arping b2sum basenc blkdiscard blockdev cfdisk chcon chgrp chkconfig chrt cksum conda crictl csplit deno dircolors dirname',
  'docker-compose dpkg-query drill erl fallocate findmnt firewall-cmd flatpak fsck getconf getopt ghc gnuplot hping3 hwclock ifdown ifup',
  'ionice ip6tables ipcrm ipset iwconfig javac javaw journalctl jrunscript jshell kubeadm lftp lspci lsusb luajit lz4 lzma mailx minikube mktemp',
  'mountpoint nbtscan nerdctl newgrp nft ngrep nodejs nsenter numfmt objcopy objdump osascript pacman pathchk pbcopy pbpaste php-cgi pigz',
  'pnpm ptx readlink realpath renice rpcclient rscript runc runcon rustc sbcl sfdisk sha224sum sha384sum sha512sum smbclient smbmap ssh-add',
  'ssh-agent ssh-keyscan stdbuf swapoff taskset tcc tput tracepath tsort ufw umask uncompress unexpand uniq unlzma unrar unshare uudecode uuencode',
  'uuidgen vdir vipw virsh w3m wipefs wscat xmllint zdiff zipinfo 7z 7za launchctl diskutil dscl screencapture rvim sudoedit mcedit',
  'cacls chkntfs cleanmgr cmstp dcdiag diskshadow dism dnscmd dsget dsquery endlocal esentutl eventcreate eventvwr extrac32 forfiles ftype',
  'ie4uinit infdefaultinstall installutil irm ldifde makecab mavinject mklink mountvol msbuild msconfig msdt msinfo32 mstsc net1 ntdsutil',
  'odbcconf pcalua pnputil powercfg presentationhost pubprn rasautou regasm regini regsvcs scrcons setlocal setspn wbadmin wecutil wsl wusa xwizard',
  'lsblk blkid fdisk mkswap swapon modprobe rmmod init telinit poweroff rtcwake arecord cpio rev tee sysdig xterm xdg-open dbus-send',
]

/** Words of English, of other languages or of schemas as well. */
const WORDS = [
  'alias at ar base basename batch bc bg bind break bridge builtin bundle bye c cal call case cat cc cd chef chsh clear cmd cmp column',
  'comm command copy cp cpan cut crash date dd del declare deploy df dialog diff dig dir du dump echo ed env erase eval ex exec',
  'exit expand export expr facter factor fc fg file find finger fmt fold for free function gem genie go grep group groups',
  'gtester head help history host hostname hup id if install ip jobs join js kill killall last less let link ln local locate lock',
  'login logout look lua mail make man md mesg more mount move mv mutt net nice nl nm nroff od open pager parallel paste patch perf',
  'pg ping pr print printf puppet push query rake rd read readelf red reg rename replace rm route run runuser sc screen scanmem script',
  'service set setup shell shutdown shuf sleep sort source split ssconvert start stat stop strings sum sync tail tar task tasks',
  'tbl test time timeout tmux top touch tr trap tree truncate ts tsc tty type ulimit unalias unset update uptime users ver',
  'calc notepad pushd popd chdir chkdsk assoc vol where title prompt pause msg logger ss path doskey attr',
  'apk brew bun cargo choice cipher clip cls compact elinks expect gc gi gl gp groovy guile helm httpie julia links octave ren scala shred snap subst',
  'view w wait wall watch wc which who whatis wish write yarn yes zed .shell .system .databases .sh',
]

const nameSet = (lines: readonly string[]): ReadonlySet<string> => new Set(lines.flatMap((line) => line.split(' ')))
const PLAIN_NAMES = nameSet(PLAIN)
const WORD_NAMES = nameSet(WORDS)

/** Those that run what follows them. */
const WRAPPERS = nameSet([
  'time nohup strace ltrace sudo doas env exec timeout nice xargs setsid command builtin eval busybox watch stdbuf',
])

export type ProgramKind = 'plain' | 'word'

/** Lower case, because shells of Windows and file systems of Macs do not tell cases apart; versions are cut: `python3.10`, `gcc7.4`. */
export function programKind(word: string): ProgramKind | undefined {
  const name = word.toLowerCase()
  if (PLAIN_NAMES.has(name)) return 'plain'
  if (WORD_NAMES.has(name)) return 'word'
  const bare = name.replace(/(?:-?\d[\d.]*|\.exe)$/, '')
  return bare !== name && bare.length > 1 && PLAIN_NAMES.has(bare) ? 'plain' : undefined
}

/** Plain names that people talk about: with blanks around and nothing behind they are things and no commands. */
const PRODUCTS = nameSet([
  'ansible aws bash curl docker emacs gcc git kubectl mongo mysql nano node npm openssl perl php pip podman powershell python',
  'python2 python3 redis-cli rpm ruby ssh sqlite3 sudo vim wget yum zsh ksh ash nmap gdb jq',
])

export const isProduct = (word: string): boolean => PRODUCTS.has(word.toLowerCase())

export const isWrapper = (word: string): boolean => WRAPPERS.has(word.toLowerCase())

/** Every name, for wildcards such as `/bin/c?t`. */
export const PROGRAM_NAMES: readonly string[] = [...PLAIN_NAMES, ...WORD_NAMES]
