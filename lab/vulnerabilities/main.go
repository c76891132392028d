// Writes a vulnerability database in Trivy's own format, with Trivy's own code, from rows on standard input.
//
//	trivy-db-writer FOLDER < rows.json
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/types"
	bolt "go.etcd.io/bbolt"
)

type row struct {
	ID            string
	Bucket        string
	Package       string
	Advisory      types.Advisory
	Vulnerability types.Vulnerability
	Source        types.DataSource
}

func write(folder string) error {
	var rows []row
	if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
		return err
	}
	if err := db.Init(folder); err != nil {
		return err
	}
	defer db.Close()
	to := db.Config{}
	err := to.BatchUpdate(func(tx *bolt.Tx) error {
		for _, r := range rows {
			if err := to.PutDataSource(tx, r.Bucket, r.Source); err != nil {
				return err
			}
			if err := to.PutAdvisoryDetail(tx, r.ID, r.Package, []string{r.Bucket}, &r.Advisory); err != nil {
				return err
			}
			if err := to.PutVulnerability(tx, r.ID, r.Vulnerability); err != nil {
				return err
			}
			// Only what is saved is found: a detail alone is a draft.
			if err := to.SaveAdvisoryDetails(tx, r.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return to.DeleteAdvisoryDetailBucket()
}

func main() {
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
