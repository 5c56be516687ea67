#!/bin/sh
# The prompt comes in, the reply goes out.
tr '[:lower:]' '[:upper:]' | cut -d ' ' -f "1-$NEUROENGINE_MAX_NEW_LEN"
