"""What can be deployed: releases, their digest, their templates. Pure, and without dependencies."""
