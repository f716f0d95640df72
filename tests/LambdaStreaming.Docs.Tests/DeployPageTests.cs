using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Statements of samples/Deploy/README.md, whose commands require an account.</summary>
public class DeployPageTests
{
    private static readonly Regex AwsPackage =
        new("<PackageReference Include=\"(?<name>AWSSDK[^\"]+)\"", RegexOptions.None, TimeSpan.FromSeconds(5));

    private static readonly Page Page = new("samples/Deploy/README.md");

    // `aws cloudformation package` writes a template, which is the one to deploy.
    [Fact]
    public void Commands_AwsCliOnly_DeployTheTemplateThatPackageWrites()
    {
        const string Option = "--output-template-file ";
        var package = Assert.Single(
            Page.Commands, command => command.StartsWith("aws cloudformation package ", StringComparison.Ordinal));
        Assert.Contains(Option, package, StringComparison.Ordinal);

        var template = package.Split(Option)[1];
        Assert.Single(Page.Commands, command => command.StartsWith(
            $"aws cloudformation deploy --template-file {template} ", StringComparison.Ordinal));
    }

    [Fact]
    public void Caller_ProfilesWithSsoOrARole_HasTheSamePackagesAsTheTool()
    {
        var caller = Repository.Read("samples", "Deploy", "Caller", "Caller.csproj");
        var tool = Repository.Read("src", "LambdaStreaming.Tool", "LambdaStreaming.Tool.csproj");

        Assert.Contains("find credentials as the AWS CLI does", Page.Text, StringComparison.Ordinal);
        Assert.NotEmpty(GetAwsPackages(tool));
        Assert.Equal(GetAwsPackages(tool), GetAwsPackages(caller));
    }

    private static List<string> GetAwsPackages(string project) =>
        [.. AwsPackage.Matches(project).Select(match => match.Groups["name"].Value)];
}
