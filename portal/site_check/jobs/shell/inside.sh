# Runs inside the sealed container, in the place of a submission.
while IFS= read -r word; do echo "canary $word"; done </input/canary >>/output/notes
/bin/env | while IFS='=' read -r name _; do
    case $name in *[!A-Za-z0-9_]*) ;; *) echo "variable $name" ;; esac
done >>/output/notes
