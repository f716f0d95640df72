using System.Globalization;
using System.Text.RegularExpressions;
using Amazon.Runtime;
using LambdaStreaming.Docs.Tests;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Tests.Errors;

/// <summary>
/// Compares the error table with the service model in the npm package of the AWS SDK for JavaScript.
/// The test fails if an update of the package contains a new error.
/// </summary>
public class ServiceModelTests
{
    private const RegexOptions Options = RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    [Fact]
    public void OfTheOperation_ServiceModelOfTheNpmPackage_HasTheSameErrors()
    {
        var modules = Path.Combine(Repository.Root, "tests", "interop", "node_modules");
        var package = Path.Combine(modules, "@aws-sdk", "client-lambda");
        // npm writes this file when it has installed everything.
        Assert.SkipUnless(
            File.Exists(Path.Combine(modules, ".package-lock.json")) && Directory.Exists(package),
            "Needs the npm package @aws-sdk/client-lambda: run eng/install-interop.sh.");
        var command = Read(package, "dist-types", "commands", "InvokeWithResponseStreamCommand.d.ts");
        var schemas = Read(package, "dist-es", "schemas", "schemas_0.js");

        var modeled = ErrorsThrownBy(command, StatusByName(schemas));

        var ours = ServiceErrorTable.OperationErrors.Select(
            entry => (entry.Code!, entry.StatusCode, entry.Create("m", new LambdaErrorDetails()).ErrorType));
        Assert.NotEmpty(modeled);
        Assert.Equal(modeled, ours);
    }

    // Each error is documented as: @throws {@link ResourceNotFoundException} (client fault)
    private static List<(string Name, int Status, ErrorType Fault)> ErrorsThrownBy(
        string command, Dictionary<string, int> statuses)
    {
        var errors = Matches(command, @"@throws \{@link (?<name>\w+)\} \((?<fault>client|server) fault\)");
        return
        [
            .. errors
                .OrderBy(error => error.Groups["name"].Value, StringComparer.Ordinal)
                .Select(error => (
                    error.Groups["name"].Value,
                    statuses[error.Groups["name"].Value],
                    error.Groups["fault"].Value == "server" ? ErrorType.Receiver : ErrorType.Sender)),
        ];
    }

    // An error is [-3, n0, _RNFE, { [_e]: _c, [_hE]: 404 }, ...], and _RNFE is "ResourceNotFoundException".
    private static Dictionary<string, int> StatusByName(string schemas)
    {
        var constants = Matches(schemas, @"const (?<short>_\w+) = ""(?<long>\w+)"";");
        var names = constants.ToDictionary(
            constant => constant.Groups["short"].Value, constant => constant.Groups["long"].Value);
        var errors = Matches(schemas, @"\[-3, n0, (?<short>_\w+),\s*\{[^}]*\[_hE\]: (?<status>\d+)");
        return errors.ToDictionary(
            error => names[error.Groups["short"].Value],
            error => int.Parse(error.Groups["status"].Value, CultureInfo.InvariantCulture));
    }

    private static MatchCollection Matches(string text, string pattern) =>
        Regex.Matches(text, pattern, Options, Timeout);

    private static string Read(string package, params string[] path) =>
        File.ReadAllText(Path.Combine([package, .. path]));
}
