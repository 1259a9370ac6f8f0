"""The console command ``atmodist``; a wheel also keeps the folders app, train and assets in this package."""
