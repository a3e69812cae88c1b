# shellcheck shell=bash
# Shared by contrib/check and contrib/quickstart: installs Debian packages, builds the project out of tree.
# The caller has set -eu, and top to the project's directory.
: "${top:?}"

export LC_ALL=C.UTF-8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# at_exit COMMAND: runs it when the script ends, the last one first
exits=()
at_exit() { exits=("$1" "${exits[@]}"); }
run_exits() {
	local command
	for command in "${exits[@]}"; do eval "$command"; done
}
trap run_exits EXIT

# configure refuses a directory with a blank in its name: for the time of the script such a tree has another
# name
alias_of_top=
case $top in *[!A-Za-z0-9/._~+,@%-]*)
	alias_of_top=$(mktemp -d /tmp/causeway.XXXXXX)
	at_exit 'rm -rf "$alias_of_top"'
	chmod 755 "$alias_of_top"
	ln -s "$top" "$alias_of_top/src"
	top=$alias_of_top/src
	;;
esac

say() { printf '== %s\n' "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# what it takes to build; the libraries' packages are those that configure asks for
build_packages() {
	echo gcc libc6-dev make autoconf automake pkg-config
	sed -n 's/.*CAUSEWAY_NEED\(_LIB\)\?(\[[^]]*\], \[[^]]*\], \[\([^]]*\)\].*/\2/p' "$top/configure.ac" | sort -u
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Packages of mail servers start their service when they are installed. It is not wanted here (the tests run
# servers of their own, in directories of their own), so starting is forbidden meanwhile and the new services
# are disabled.
without_services() {
	local policy=/usr/sbin/policy-rc.d
	[ -e $policy ] || {
		printf '#!/bin/sh\n# made by Causeway%s for the time of one apt-get\nexit 101\n' "'s contrib" |
			as_root sh -c "cat >$policy && chmod 755 $policy"
		at_exit "as_root rm -f $policy"
	}
	"$@"
	! grep -qs 'made by Causeway' $policy || as_root rm -f $policy
}

disable_services() {
	local package unit
	command -v systemctl >/dev/null || return 0
	for package; do
		dpkg -L "$package" | sed -n 's,.*/systemd/system/\([^/@]*\.\(service\|socket\)\)$,\1,p' | while read -r unit; do
			as_root systemctl -q disable "$unit" 2>/dev/null || true
		done
	done
}

# install_missing PACKAGE…: by apt-get, without questions; nothing is asked of the network if all are there
install_missing() {
	local package missing=()
	for package; do installed "$package" || missing+=("$package"); done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	command -v apt-get >/dev/null || die "no apt-get here; install what stands above by hand and try again"
	[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
		die "not root and no sudo; as root: apt-get install -y --no-install-recommends ${missing[*]}"
	as_root apt-get -q update
	# Postfix asks what kind of site this is; only its programs are wanted
	case " ${missing[*]} " in *" postfix "*)
		echo "postfix postfix/main_mailer_type select No configuration" | as_root debconf-set-selections ;;
	esac
	without_services as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q install -y --no-install-recommends "${missing[@]}"
	disable_services "${missing[@]}"
}

# fetch_missing DIRECTORY PACKAGE…: the packages' files in that directory, not installed; what cannot be had
# is left out
fetch_missing() {
	local dir=$1 package
	shift
	mkdir -p "$dir"
	for package; do
		compgen -G "$dir/${package}_*.deb" >/dev/null && continue
		say "fetching $package"
		(cd "$dir" && { apt-get -q download "$package" || { as_root apt-get -q update && apt-get -q download "$package"; }; }) ||
			echo "$package cannot be fetched; its tests are skipped"
	done
}

# build DIRECTORY CONFIGURE-OPTION…: leaves a built tree in DIRECTORY; false if that did not work
build() {
	local dir=$1 from=$top
	shift
	say "building in $dir"
	[ "$top/configure" -nt "$top/configure.ac" ] || "$top/autogen.sh" || return
	# the next run has another alias, which must not stand in what make remembers of this one
	[ -z "$alias_of_top" ] || from=$(realpath --relative-to="$dir" "$top")
	(cd "$dir" && "$from/configure" -q "$@") >"$dir/configure.log" 2>&1 || {
		tail -n 20 "$dir/configure.log" >&2
		return 1
	}
	make -C "$dir" -j"$(nproc)"
}
