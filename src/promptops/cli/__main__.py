from promptops.cli.main import main

main()
