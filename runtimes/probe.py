# Prints what a Python interpreter is, as one JSON object. Runs on any Python 3.
import json
import os
import site
import sys
import sysconfig

packages = list(site.getsitepackages()) if hasattr(site, "getsitepackages") else []
user = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
json.dump(
    {
        "version": "%d.%d.%d" % sys.version_info[:3],
        "executable": os.path.abspath(sys.executable),
        "prefix": sys.prefix,
        "basePrefix": sys.base_prefix,
        "libraries": [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")],
        "packages": [p for p in packages if os.path.isdir(p)],
        "userBase": site.getuserbase() if user and os.path.isdir(user) else "",
        "userPackages": user if user and os.path.isdir(user) else "",
    },
    sys.stdout,
)
