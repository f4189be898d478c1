#!/bin/sh
# Holds the includes under a source folder against its table of rooms: check_rooms.sh ROOMS SOURCE_FOLDER
#
# The table says `room: the rooms it may include`. Refused are: an include of a room that the table does not
# allow, an include that does not start with a room's name, the umbrella header, a file that is in no room,
# and a table that names what is no room or that goes round in a circle. Each complaint is `file:line: rule`.
# Exit status: 0 when there is none, 1 when there are some, 2 when the script was called wrongly.

set -eu

if [ $# -ne 2 ] || [ ! -f "$1" ] || [ ! -d "$2" ]; then
    echo "usage: check_rooms.sh ROOMS SOURCE_FOLDER" >&2
    exit 2
fi
rooms=$1
source_folder=${2%/}

files=$(find "$source_folder" -type f \( -name '*.[chS]' -o -name '*.inc' \) | LC_ALL=C sort)

# shellcheck disable=SC2086  # the names are separated by white space, and none of ours contains any
exec awk -v rooms="$rooms" -v source_folder="$source_folder" '
    function complain(where, what) {
        print where ": " what
        complaints++
    }

    function read_table(    line, number, room, words, n, i) {
        while ((getline line < rooms) > 0) {
            number++
            sub(/#.*/, "", line)
            if (line ~ /^[ \t]*$/)
                continue
            if (line !~ /^[a-z_]+:/) {
                complain(rooms ":" number, "a line is `room: the rooms it may include`")
                continue
            }
            room = line
            sub(/:.*/, "", room)
            sub(/^[^:]*:/, "", line)
            if (room in line_of)
                complain(rooms ":" number, room " is in the table twice")
            line_of[room] = number
            n = split(line, words, " ")
            for (i = 1; i <= n; i++)
                allowed[room, words[i]] = 1
        }
        close(rooms)
    }

    function check_names(    pair, two) {
        for (pair in allowed) {
            split(pair, two, SUBSEP)
            if (!(two[2] in line_of))
                complain(rooms ":" line_of[two[1]], two[1] " may include " two[2] ", which is no room")
        }
    }

    # Takes away the rooms that include nothing which is left, until there are none; what cannot be taken away
    # is a circle, or stands upon one.
    function check_circles(    left, room, other, taken, stuck) {
        for (room in line_of)
            left[room] = 1
        do {
            taken = 0
            for (room in left) {
                stuck = 0
                for (other in left)
                    stuck += ((room, other) in allowed)
                if (!stuck) {
                    delete left[room]
                    taken = 1
                    break
                }
            }
        } while (taken)
        for (room in left)
            complain(rooms ":" line_of[room], room " may include a circle of rooms, or stands in one")
    }

    function check_include(room, header,    target) {
        target = header
        if (header !~ /\//) {
            complain(FILENAME ":" FNR, "an include is written \"room/file.h\", not \"" header "\"")
            return
        }
        sub(/\/.*/, "", target)
        check_target(room, target, "\"" header "\"")
    }

    function check_public_include(room, header,    target) {
        if (header == "coil.h")
            complain(FILENAME ":" FNR, "<coil.h> is for programs; a room includes what it needs")
        if (header !~ /^coil\//)
            return
        target = header
        sub(/^coil\//, "", target)
        sub(/\.h$/, "", target)
        if (target in line_of)
            check_target(room, target, "<" header ">")
    }

    function check_target(room, target, written) {
        if (!(target in line_of))
            complain(FILENAME ":" FNR, written " is in no room of the table")
        else if (target != room && !((room, target) in allowed))
            complain(FILENAME ":" FNR, room " may not include " target " (" written ")")
    }

    BEGIN {
        read_table()
        check_names()
        check_circles()
    }

    FNR == 1 {
        room = substr(FILENAME, length(source_folder) + 2)
        sub(/\/.*/, "", room)
        if (!(room in line_of) && !(room in strange)) {
            strange[room] = 1
            complain(FILENAME ":1", room " is no room of the table")
        }
    }

    /^[ \t]*#[ \t]*include[ \t]*["<]/ && (room in line_of) {
        header = $0
        sub(/^[^"<]*/, "", header)
        quoted = header ~ /^"/
        header = substr(header, 2)
        sub(/[">].*/, "", header)
        if (quoted)
            check_include(room, header)
        else
            check_public_include(room, header)
    }

    END {
        if (complaints)
            print complaints " include(s) or table line(s) refused; the rooms are in " rooms
        exit (complaints > 0)
    }
' $files /dev/null
