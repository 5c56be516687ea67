#!/bin/sh
# A program for `neuroengine serve MYGPT --backend exec:./reply.sh`: the prompt comes in, the reply goes out.
tr '[:lower:]' '[:upper:]' | cut -d ' ' -f "1-$NEUROENGINE_MAX_NEW_LEN"
