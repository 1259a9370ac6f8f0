"""What every part uses: errors, constants, assets, progress, CPU detection, jobs."""
